"""Work on a thread of its own: done soon after it is due, tried again, and done a last time on closing."""

import threading

from chatward.core.errors import StoreError
from chatward.identity.behind import Behind


def test_work_is_done_when_it_is_due_and_only_then():
    done = threading.Event()
    behind = Behind("t", done.set, pause=0.0)
    assert not done.is_set()
    behind.due()
    assert done.wait(10)
    behind.close()


def test_waking_does_not_wait_for_the_pause():
    done = threading.Event()
    behind = Behind("t", done.set, pause=3600.0)
    behind.wake()
    assert done.wait(10)
    behind.close()


def test_what_fails_is_tried_again(caplog):
    tries, done = [], threading.Event()

    def work():
        tries.append(1)
        if len(tries) == 1:
            raise StoreError("no")
        done.set()

    behind = Behind("t", work, pause=0.0)
    behind.due()
    assert done.wait(10)
    behind.close()
    assert "store-unavailable" in caplog.text


def test_closing_does_the_work_here_and_ends_the_thread():
    calls = []
    behind = Behind("t", lambda: calls.append(threading.current_thread()), pause=3600.0)
    behind.due()
    behind.close()
    assert calls == [threading.current_thread()]
    assert not any(thread.name == "t" for thread in threading.enumerate())


def test_closing_what_never_started():
    calls = []
    Behind("t", lambda: calls.append(1), pause=1.0).close()
    assert calls == [1]
