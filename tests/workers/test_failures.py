"""Every bad end belongs to a class, with advice."""

import errno

import pytest

from workers.failures import NonFinite, UserError, classify, first_line, traceback_tail


class OutOfMemoryError(RuntimeError):
    """Named as torch names it."""


class SafetensorError(Exception):
    """Named as safetensors names it."""


@pytest.mark.parametrize(
    ("exc", "expected"),
    [
        (UserError("Bad.", "Do this.", "epochs"), "user_error"),
        (NonFinite("NaN.", "Lower it."), "nan"),
        (MemoryError(), "out_of_memory"),
        (OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), "out_of_memory"),
        (
            RuntimeError(
                "[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory: you tried 9 bytes"
            ),
            "out_of_memory",
        ),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "out_of_memory"),
        (ImportError("libx.so: failed to map segment: Cannot allocate memory"), "out_of_memory"),
        (OSError(errno.ENOSPC, "No space left on device"), "disk_full"),
        (OSError(errno.EFBIG, "File too large"), "disk_full"),
        (SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)"), "disk_full"),
        (SafetensorError("invalid header"), "crashed"),
        (ValueError("whatever"), "crashed"),
        (KeyboardInterrupt(), "crashed"),
    ],
)
def test_classify__exception__has_class_message_and_hint(exc: BaseException, expected: str) -> None:
    failure = classify(exc)
    assert failure.failure_class == expected
    assert failure.message and failure.hint
    assert failure.exit_code == (2 if expected == "user_error" else 3)


def test_classify__full_disk_wrapped_in_another_error__is_found() -> None:
    try:
        try:
            raise OSError(errno.ENOSPC, "No space left on device")
        except OSError as inner:
            raise RuntimeError("could not save") from inner
    except RuntimeError as outer:
        assert classify(outer).failure_class == "disk_full"


def test_as_event__field__only_when_known() -> None:
    assert classify(UserError("Bad.", "Do.", "epochs")).as_event() == {
        "class": "user_error", "message": "Bad.", "hint": "Do.", "field": "epochs",
    }  # fmt: skip
    assert "field" not in classify(ValueError("x")).as_event()


def test_traceback_tail__long_trace__keeps_the_end() -> None:
    try:
        raise ValueError("the end")
    except ValueError as exc:
        assert traceback_tail(exc).endswith("ValueError: the end")
    assert first_line(ValueError("one\ntwo")) == "one"
    assert first_line(ValueError()) == "ValueError"
