"""The curve's text."""

import pytest

from densemoe.train.curve import ROWS, Curve, with_sessions


def test_text_of_a_short_run():
    curve = Curve(["total", "semseg"], 3)
    assert curve.text == "step,lr,total,semseg\n"
    curve.add(0, 2e-05, {"semseg": 1 / 3, "total": 12345678.9})
    curve.add(1, 1e-05, {"semseg": 0.0, "total": 2.0})
    assert curve.text == "step,lr,total,semseg\n0,2e-05,12345679,0.33333333\n1,1e-05,2,0\n"


def test_a_long_run_has_means_of_equal_steps_and_a_last_row():
    curve = Curve(["total"], 3 * ROWS - 1)
    for step in range(3 * ROWS - 1):
        curve.add(step, 0.5, {"total": float(step)})
    lines = curve.text.splitlines()
    assert len(lines) == 1 + ROWS
    assert lines[1:3] == ["2,0.5,1", "5,0.5,4"]
    assert lines[-1] == f"{3 * ROWS - 2},0.5,{3 * ROWS - 2.5}"  # the mean of the two steps that were left


@pytest.mark.parametrize("cut", [1, 4, 5])
def test_going_on_from_a_state_gives_the_same_text(cut):
    whole, before = Curve(["total"], 2500), Curve(["total"], 2500)
    for step in range(10):
        whole.add(step, 0.1, {"total": step**0.5})
    for step in range(cut):
        before.add(step, 0.1, {"total": step**0.5})
    after = Curve(["total"], 2500)
    after.load_state(before.state())
    before.add(cut, 9.0, {"total": 9.0})  # the state is a copy
    for step in range(cut, 10):
        after.add(step, 0.1, {"total": step**0.5})
    assert after.text == whole.text


def test_other_columns_are_refused():
    with pytest.raises(ValueError, match="has the columns step,lr,total, not step,lr,total,depth"):
        Curve(["total", "depth"], 3).load_state(Curve(["total"], 3).state())


def test_the_rows_say_after_how_many_resumptions_they_were_made():
    text = "step,lr,total\n1,0.1,2\n3,0.1,2\n5,0.1,2\n"
    assert with_sessions(text, [0]) == "step,lr,total,session\n1,0.1,2,0\n3,0.1,2,0\n5,0.1,2,0\n"
    # a row stands for the steps up to its own; two processes may begin at one step
    assert with_sessions(text, [0, 3, 4, 4]).split() == ["step,lr,total,session", "1,0.1,2,0", "3,0.1,2,1", "5,0.1,2,3"]
