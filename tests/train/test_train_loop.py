"""The loop: what a step does, the same bits after an interruption, faults."""

import errno
import os
import signal

import pytest
import torch

from densemoe.train.interrupt import SIGNALS, TrainingStopped
from densemoe.train.loop import seed_of_step
from densemoe.train.objective import TrainingDiverged


def same_bits(a: torch.nn.Module, b: torch.nn.Module) -> bool:
    pairs = list(zip(a.state_dict().items(), b.state_dict().items(), strict=True))
    assert len(pairs) == 11
    return all(i == j and torch.equal(x, y) for (i, x), (j, y) in pairs)


def signal_after(step: int, number: int = signal.SIGTERM):
    return lambda done: os.kill(os.getpid(), number) if done == step else None


def test_training_learns_and_writes_one_row_a_step(tiny):
    run = tiny(iterations=60)
    lines = run.run().text.splitlines()
    assert lines[0] == "step,lr,total,semseg,depth,balance"
    assert len(lines) == 61
    totals = [float(line.split(",")[2]) for line in lines[1:]]
    assert sum(totals[-10:]) < 0.7 * sum(totals[:10])
    assert run.files == []  # no checkpoint was due


def test_steps_are_those_written_out_by_hand(tiny):
    run = tiny(iterations=3)
    run.model.eval()  # the loop switches to training mode itself
    curve = run.run().text.splitlines()
    model, norms = tiny().model.train(), []
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01, weight_decay=1e-3)
    for step in range(3):
        torch.manual_seed(seed_of_step(3, step, 0))
        rate = 0.01 * (1 - step / 3) ** 0.9
        batch = run.batch(step)
        output = model(batch["image"])
        semseg = torch.nn.functional.cross_entropy(output.predictions["semseg"], batch["semseg"])
        depth = (output.predictions["depth"][:, 0] - batch["depth"]).abs().mean()
        total = semseg + 2.0 * depth + 0.1 * output.balance
        optimizer.zero_grad()
        total.backward()
        norms.append(torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0).item())
        optimizer.param_groups[0]["lr"] = rate
        optimizer.step()
        row = [float(value) for value in curve[step + 1].split(",")]
        parts = (total, semseg, depth, output.balance)
        assert row == pytest.approx([step, rate, *(value.item() for value in parts)], rel=1e-5)
    assert max(norms) > 1.5  # clipping had something to do
    for name, value in model.state_dict().items():
        assert torch.allclose(run.model.state_dict()[name], value, rtol=1e-4, atol=1e-7), name


def test_every_step_and_seed_has_a_random_state_of_its_own():
    states = {seed_of_step(seed, step, rank) % 2**32 for seed in (0, 1) for step in range(100) for rank in (0, 1)}
    assert len(states) == 400
    assert seed_of_step(0, 1, 0) == seed_of_step(0, 1, 0)


@pytest.mark.parametrize("cuts", [[2], [0], [4], [1, 3]], ids=str)
def test_the_same_bits_with_and_without_interruptions(tiny, cuts):
    whole = tiny("undisturbed")
    curve = whole.run()
    for cut in cuts:
        part = tiny()
        part.after_step = signal_after(cut)
        with pytest.raises(TrainingStopped, match=f"after step {cut + 1} of 6"):
            part.run()
        torch.manual_seed(99)  # whatever the next process starts with
    last = tiny()
    last_curve = last.run()
    assert last.steps == list(range(cuts[-1] + 1, 6))
    assert same_bits(whole.model, last.model)
    assert last_curve.text == curve.text
    assert [session["step"] for session in last.checkpoints.sessions] == [0, *(cut + 1 for cut in cuts)]


def test_a_run_killed_between_checkpoints_repeats_the_lost_steps_exactly(tiny):
    whole = tiny("undisturbed")
    curve = whole.run()
    killed = tiny(every_steps=2)
    killed.batch = lambda step: whole.batch(step) if step < 5 else 1 / 0  # ends without any farewell
    with pytest.raises(ZeroDivisionError):
        killed.run()
    last = tiny()
    assert last.run().text == curve.text
    assert last.steps == [4, 5]
    assert same_bits(whole.model, last.model)


def test_noise_matters_to_the_comparison(tiny):
    # the tests above would prove nothing if the tiny model drew no random numbers
    model = tiny().model
    image = torch.ones(1, 3, 8, 8)
    assert not torch.equal(model(image).predictions["depth"], model(image).predictions["depth"])


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGUSR1, 138)])
def test_signals_end_the_run_after_the_step_with_their_exit_code(tiny, number, code):
    before = [signal.getsignal(each) for each in SIGNALS]
    run = tiny()
    run.after_step = signal_after(2, number)
    with pytest.raises(
        TrainingStopped, match=f"by {signal.Signals(number).name} after step 3 of 6; .*step-0000003"
    ) as e:
        run.run()
    assert e.value.exit_code == code
    assert [signal.getsignal(each) for each in SIGNALS] == before


def test_the_same_signal_twice_stops_at_once(tiny):
    run = tiny()
    run.after_step = lambda step: [os.kill(os.getpid(), signal.SIGINT) for _ in range(2)]
    with pytest.raises(KeyboardInterrupt):
        run.run()


def test_a_signal_in_the_last_step_lets_it_finish(tiny):
    run = tiny()
    run.after_step = signal_after(5)
    run.run()
    assert run.steps[-1] == 5


def test_nan_loss_names_step_and_task_and_keeps_the_checkpoint(tiny):
    run = tiny(every_steps=2)
    sound = run.batch

    def poisoned(step: int) -> dict:
        batch = sound(step)
        if step == 5:
            batch["depth"][0, 0, 0] = float("nan")
        return batch

    run.batch = poisoned
    with pytest.raises(TrainingDiverged, match="at step 5: the loss of depth is nan"):
        run.run()
    assert [name[:12] for name in run.files] == ["curve.csv", "step-0000002", "step-0000004"]
    assert all(torch.isfinite(p).all() for p in run.model.parameters())  # the step was not taken
    # with the cause removed, the run goes on from there to the same end
    whole, last = tiny("undisturbed"), tiny()
    assert last.run().text == whole.run().text
    assert last.steps == [4, 5]


def test_a_gradient_that_is_not_finite_stops_before_the_weights_change(tiny):
    run = tiny()
    run.losses["depth"] = lambda prediction, label: (prediction * 0).sqrt().sum()  # 0, but its derivative is not finite
    before = [p.clone() for p in run.model.parameters()]
    with pytest.raises(TrainingDiverged, match="at step 0: all losses are finite, but the norm of the gradient is nan"):
        run.run()
    assert all(torch.equal(p, q) for p, q in zip(before, run.model.parameters(), strict=True))


def test_full_disk_ends_the_run_and_keeps_the_checkpoint_before(tiny, monkeypatch):
    run = tiny(every_steps=2)
    run.after_step = lambda step: (
        (run.folder / ".checkpoint.partial").symlink_to("/dev/full") if step == 3 else None  # a file on a full disk
    )
    with pytest.raises(OSError, match="No space left on device") as caught:
        run.run()
    assert caught.value.errno == errno.ENOSPC
    assert [name[:12] for name in run.files] == ["curve.csv", "step-0000002"]
    whole, last = tiny("undisturbed"), tiny()
    assert last.run().text == whole.run().text
    assert last.steps == [2, 3, 4, 5]
    assert same_bits(whole.model, last.model)


def test_a_loader_that_ends_early_is_an_error(tiny):
    run = tiny()
    run._batches = lambda first: [run.batch(first)]
    with pytest.raises(ValueError, match="shorter"):
        run.run()
