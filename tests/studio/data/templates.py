"""Chat templates in the manner of well-known model families, written for the tests."""

from __future__ import annotations

from tests.tiny import TEMPLATE

GENERATION = TEMPLATE

CHATML = (
    "{%- for message in messages %}\n"
    "{{- '<|' + message.role + '|>\\n' + message.content + '<|end|>' + '\\n' }}\n"
    "{%- endfor %}\n"
    "{%- if add_generation_prompt %}{{- '<|assistant|>\\n' }}{%- endif %}"
)

THINKING = (
    "{%- set ns = namespace(last=-1) %}"
    "{%- for m in messages %}{%- if m.role == 'user' %}{%- set ns.last = loop.index0 %}{%- endif %}{%- endfor %}"
    "{%- for m in messages %}"
    "{%- if m.role == 'assistant' %}"
    "{%- set content = m.content %}{%- set thought = '' %}"
    "{%- if '</think>' in content %}"
    "{%- set thought = content.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') %}"
    "{%- set content = content.split('</think>')[-1].lstrip('\\n') %}"
    "{%- endif %}"
    "{%- if loop.index0 > ns.last %}"
    "{{- '<|assistant|>\\n<think>\\n' + thought.strip('\\n') + '\\n</think>\\n\\n' + content.lstrip('\\n') }}"
    "{%- else %}{{- '<|assistant|>\\n' + content }}{%- endif %}"
    "{{- '<|end|>\\n' }}"
    "{%- else %}{{- '<|' + m.role + '|>\\n' + m.content + '<|end|>\\n' }}{%- endif %}"
    "{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|assistant|>\\n' }}{%- endif %}"
)

TRIMMING = (
    "{{- eos_token }}"
    "{%- for m in messages %}{{- '<|' + m['role'] + '|>\\n\\n' + m['content'] | trim + '<|end|>' }}{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|assistant|>\\n\\n' }}{%- endif %}"
)

NO_SYSTEM = (
    "{%- if messages[0]['role'] == 'system' %}{{- raise_exception('System role not supported') }}{%- endif %}"
    "{%- for m in messages %}"
    "{%- if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}{{- raise_exception('Roles must alternate') }}{%- endif %}"
    "{{- '<|' + m['role'] + '|>' + m['content'] | trim + '<|end|>\\n' }}{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|assistant|>' }}{%- endif %}"
)

SYSTEM_DROPPED = NO_SYSTEM.replace(
    "{%- if messages[0]['role'] == 'system' %}{{- raise_exception('System role not supported') }}{%- endif %}",
    "{%- if messages[0]['role'] == 'system' %}{%- set messages = messages[1:] %}{%- endif %}",
)

BRACKETS = (
    "{%- for m in messages %}"
    "{%- if m.role == 'user' %}{{- '[INST] ' + m.content + ' [/INST]' }}"
    "{%- else %}{{- ' ' + m.content + eos_token }}{%- endif %}{%- endfor %}"
)

NO_END = (
    "{%- for m in messages %}{{- m.role + ': ' + m.content + '\\n' }}{%- endfor %}"
    "{%- if add_generation_prompt %}{{- 'assistant: ' }}{%- endif %}"
)

GENERATION_WITHOUT_END = GENERATION.replace(
    "{{ m['content'] + '<|end|>' }}{% endgeneration %}", "{{ m['content'] }}{% endgeneration %}<|end|>"
)

GENERATION_DASHED = (
    "{%- for m in messages %}\n"
    "  {%- if m.role == 'assistant' %}\n"
    "    {{- '<|assistant|>\\n' }}\n"
    "    {%- generation -%}\n"
    "    {{- m.content + '<|end|>' }}\n"
    "    {%- endgeneration -%}\n"
    "    {{- '\\n' }}\n"
    "  {%- else %}\n"
    "    {{- '<|' + m.role + '|>\\n' + m.content + '<|end|>\\n' }}\n"
    "  {%- endif %}\n"
    "{%- endfor %}\n"
    "{%- if add_generation_prompt %}{{- '<|assistant|>\\n' }}{%- endif %}"
)

SHOUTING = (
    "{%- for m in messages %}{{- '<|' + m.role + '|>' + m.content.replace('  ', ' ') + '<|end|>' }}{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|assistant|>' }}{%- endif %}"
)

GENERATION_AROUND_ALL = (
    "{%- for m in messages %}"
    "{%- if m.role == 'assistant' %}{% generation %}{{- '<|assistant|>\\n' + m.content + '<|end|>' + '\\n' }}{% endgeneration %}"
    "{%- else %}{{- '<|' + m.role + '|>\\n' + m.content + '<|end|>\\n' }}{%- endif %}{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|assistant|>\\n' }}{%- endif %}"
)

PARTS = (
    "{%- for m in messages %}{{- '<|' + m.role + '|>' }}"
    "{%- for part in m.content %}{%- if part['type'] == 'text' %}{{- part['text'] }}{%- endif %}{%- endfor %}"
    "{{- '<|end|>\\n' }}{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|assistant|>' }}{%- endif %}"
)

TWO_ENDS = (
    "{%- for m in messages %}{{- '<|' + m.role + '|>' + m.content }}{%- if m.role == 'assistant' %}{{- '<|pad|>' }}{%- endif %}"
    "{{- '<|end|>' }}{%- endfor %}{%- if add_generation_prompt %}{{- '<|assistant|>' }}{%- endif %}"
)

TOOLS_CHATML = (
    "{%- if tools %}{{- '<|system|>\n' }}{%- if messages[0].role == 'system' %}{{- messages[0].content + '\n\n' }}{%- endif %}"
    "{{- 'Tools:' }}{%- for tool in tools %}{{- '\n' + (tool | tojson) }}{%- endfor %}{{- '<|end|>\n' }}"
    "{%- elif messages[0].role == 'system' %}{{- '<|system|>\n' + messages[0].content + '<|end|>\n' }}{%- endif %}"
    "{%- for m in messages %}"
    "{%- if m.role == 'user' %}{{- '<|user|>\n' + m.content + '<|end|>\n' }}"
    "{%- elif m.role == 'assistant' %}{{- '<|assistant|>' }}"
    "{%- if m.content %}{{- '\n' + m.content }}{%- endif %}"
    "{%- for call in m.tool_calls or [] %}"
    "{{- '\n<tool_call>\n{\"name\": \"' + call.function.name + '\", \"arguments\": ' + (call.function.arguments | tojson) + '}' }}"
    "{{- '\n</tool_call>' }}{%- endfor %}"
    "{{- '<|end|>\n' }}"
    "{%- elif m.role == 'tool' %}"
    "{%- if loop.first or messages[loop.index0 - 1].role != 'tool' %}{{- '<|user|>' }}{%- endif %}"
    "{{- '\n<tool_response>\n' + m.content + '\n</tool_response>' }}"
    "{%- if loop.last or messages[loop.index0 + 1].role != 'tool' %}{{- '<|end|>\n' }}{%- endif %}"
    "{%- endif %}{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|assistant|>\n' }}{%- endif %}"
)

TOOLS_TEXT_ARGUMENTS = TOOLS_CHATML.replace("(call.function.arguments | tojson)", "call.function.arguments")

ALL = {
    "generation_around_all": GENERATION_AROUND_ALL,
    "parts": PARTS,
    "generation": GENERATION,
    "chatml": CHATML,
    "thinking": THINKING,
    "trimming": TRIMMING,
    "no_system": NO_SYSTEM,
    "system_dropped": SYSTEM_DROPPED,
    "brackets": BRACKETS,
    "generation_without_end": GENERATION_WITHOUT_END,
    "generation_dashed": GENERATION_DASHED,
    "changing": SHOUTING,
}
