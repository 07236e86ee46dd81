"""A calm terminal: messages that help nobody are not shown, everything else is."""

from __future__ import annotations

import logging
import warnings

import pytest

from studio.quiet import quiet


def test_a_known_deprecation_is_silent_and_others_are_not() -> None:
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        quiet()
        warnings.warn("`is_gradient_checkpointing` is deprecated and will be removed in v6.", FutureWarning, stacklevel=1)
        warnings.warn("`is_gradient_checkpointing` is deprecated", UserWarning, stacklevel=1)
        warnings.warn("something else is deprecated", FutureWarning, stacklevel=1)
    assert [(item.category, str(item.message)) for item in seen] == [
        (UserWarning, "`is_gradient_checkpointing` is deprecated"),
        (FutureWarning, "something else is deprecated"),
    ]


def test_a_missing_optional_kernel_is_silent_and_errors_are_not(caplog: pytest.LogCaptureFixture) -> None:
    quiet()
    quiet()
    logger = logging.getLogger("bitsandbytes.backends.cpu.ops")
    logger.warning("Failed to load CPU gemm_4bit_forward from kernels-community: %s", "No module named 'kernels'")
    logger.error("4-bit weights cannot be read")
    assert [record.getMessage() for record in caplog.records] == ["4-bit weights cannot be read"]
    assert len(logger.filters) == 1
