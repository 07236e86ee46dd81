"""The script of the form of one row: messages are added and removed in place, and the row is sent back as it stands.

The form is made by `app/dataset_edit.py`. Ctrl+Enter keeps the change, Escape leaves it.
"""

SCRIPT = """
const messagesOf = (part) => [...part.querySelectorAll('.edit-list > .edit-message')].map((block) => ({
  role: block.querySelector('[data-role]').value,
  content: block.querySelector('[data-content]').value,
  ...JSON.parse(block.dataset.kept),
}));
const rowOf = (form) => {
  const row = {};
  form.querySelectorAll('[data-part]').forEach((part) => {
    const name = part.dataset.part;
    if (name === 'completions') {
      row.completions = [...(row.completions || []), messagesOf(part)];
      row.ranks = [...(row.ranks || []), part.querySelector('[data-rank]').value];
    } else {
      row[name] = messagesOf(part);
    }
  });
  form.querySelectorAll('[data-value]').forEach((field) => {
    row[field.dataset.value] = field.type === 'checkbox' ? field.checked : field.value;
  });
  return row;
};
const send = () => {
  const form = element.querySelector('.row-editor');
  const split = form.querySelector('[data-split]');
  trigger('save', {row: rowOf(form), split: split ? split.value : ''});
};
element.addEventListener('click', (event) => {
  const button = event.target.closest('[data-act]');
  if (!button || !element.contains(button)) return;
  const act = button.dataset.act;
  if (act === 'save') send();
  if (act === 'cancel') trigger('cancel', {});
  if (act === 'less') button.closest('.edit-message').remove();
  if (act === 'more') {
    const part = button.closest('[data-part]');
    const block = part.querySelector('template').content.firstElementChild.cloneNode(true);
    const others = part.querySelectorAll('.edit-list > .edit-message');
    const last = others.length ? others[others.length - 1].querySelector('[data-role]').value : '';
    block.querySelector('[data-role]').value = last === 'user' ? 'assistant' : 'user';
    part.querySelector('.edit-list').append(block);
    block.querySelector('textarea').focus();
  }
});
element.addEventListener('keydown', (event) => {
  if (!event.target.closest('.row-editor')) return;
  event.stopPropagation();
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) { event.preventDefault(); send(); }
  if (event.key === 'Escape') trigger('cancel', {});
});
watch('value', () => {
  const area = element.querySelector('.row-editor textarea');
  if (area) area.focus();
});
"""
