"""One owner at a time: turns wait for offers, and are refused with the owner's name."""

from __future__ import annotations

import threading

import pytest

from studio.device import Lease, describe
from studio.errors import BusyError


def test_describe_names_the_device_and_its_memory() -> None:
    device = describe()
    assert device.cores >= 1
    assert 0 < device.free_bytes <= device.total_bytes
    assert "GB" in device.label


def test_a_turn_passes_at_once_when_nobody_holds() -> None:
    lease = Lease()
    with lease.turn("model", timeout=0.1):
        holder = lease.holder()
        assert holder is not None
        assert holder.name == "model"
    assert lease.holder() is None


def test_a_turn_is_refused_with_the_holders_name_and_work() -> None:
    lease = Lease()
    with lease.hold("support-bot-7"):
        lease.describe("step 3 of 10")
        errors: list[BusyError] = []

        def ask() -> None:
            try:
                with lease.turn("starter", timeout=0.05):
                    raise AssertionError("the turn was granted while the device was held")
            except BusyError as error:
                errors.append(error)

        thread = threading.Thread(target=ask)
        thread.start()
        thread.join()
    assert "support-bot-7 (step 3 of 10)" in errors[0].message
    with lease.turn("starter", timeout=0.1):
        pass


def test_an_offer_lets_waiting_turns_run_one_at_a_time_and_returns_when_they_are_done() -> None:
    lease, inside, most, done = Lease(), [0], [0], []

    def ask(name: str) -> None:
        with lease.turn(name, timeout=10):
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            done.append(name)
            inside[0] -= 1

    with lease.hold("run"):
        threads = [threading.Thread(target=ask, args=(f"m{i}",)) for i in range(5)]
        for thread in threads:
            thread.start()
        while len(done) < 5:
            lease.offer()
        finished_before_training_went_on = len(done)
    for thread in threads:
        thread.join()
    assert finished_before_training_went_on == 5
    assert most[0] == 1


def test_an_offer_without_takers_says_so() -> None:
    lease = Lease()
    with lease.hold("run"):
        assert lease.offer() is False


def test_turns_nest_in_one_thread_and_pass_for_the_holder_itself() -> None:
    lease = Lease()
    with lease.turn("a"), lease.turn("b", timeout=0.05):
        pass
    with lease.hold("run"), lease.turn("sample", timeout=0.05):
        pass


def test_a_run_waits_until_the_answer_is_finished() -> None:
    lease, order = Lease(), []
    answering, release = threading.Event(), threading.Event()

    def answer() -> None:
        with lease.turn("model"):
            answering.set()
            release.wait(10)
            order.append("answer")

    def train() -> None:
        with lease.hold("run"):
            order.append("train")

    first, second = threading.Thread(target=answer), threading.Thread(target=train)
    first.start()
    assert answering.wait(10)
    second.start()
    release.set()
    first.join()
    second.join()
    assert order == ["answer", "train"]


def test_a_refused_turn_leaves_the_lease_usable() -> None:
    lease = Lease()
    with lease.hold("run"):
        caught: list[type[BaseException]] = []

        def ask() -> None:
            with pytest.raises(BusyError):
                with lease.turn("x", timeout=0.01):
                    pass
            caught.append(BusyError)

        thread = threading.Thread(target=ask)
        thread.start()
        thread.join()
        assert lease.offer() is False
    assert caught


def test_torch_gets_the_threads_asked_for_and_has_its_own_back() -> None:
    import torch

    from studio.device import cpu_threads, torch_threads

    before = torch.get_num_threads()
    with torch_threads(2):
        assert torch.get_num_threads() == 2
    assert torch.get_num_threads() == before
    assert cpu_threads() >= 1
