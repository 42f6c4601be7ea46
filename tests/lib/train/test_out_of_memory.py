"""A batch that does not fit ends a run in one line that says what to try, and what was saved stays."""

import pytest
import torch
from one_thread import one_thread  # noqa: F401
from toy_run import KEY, breaking, build, make_loader

from lib.config import Training
from lib.train import FitError, cross_entropy, fit


def no_room():
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")


@pytest.mark.parametrize(
    "size, accumulate, told",
    [
        (4, 1, "training.batch_size 4; try training.batch_size 2 and training.accumulate 2"),
        (3, 2, "training.batch_size 3; try training.batch_size 1 and training.accumulate 4"),
        (1, 2, "training.batch_size 1; try training.activation_checkpointing True"),
    ],
)
def test_it_names_the_batch_that_was_tried_and_half_of_it(tmp_path, size, accumulate, told):
    training = Training(epochs=1, batch_size=size, accumulate=accumulate)
    folder, objective = tmp_path / "attn" / "gru", breaking(cross_entropy(), 2, no_room)
    with pytest.raises(FitError) as caught:
        fit(build(), objective, make_loader(batch_size=size), training=training, folder=folder, run_key=KEY)
    assert str(caught.value) == f"fit attn/gru: out of memory with {told}"


def test_a_run_goes_on_after_it_from_where_it_was_saved(tmp_path):
    training = Training(max_steps=4, batch_size=4, checkpoint_every=1)

    def run(objective):
        return fit(
            build(), objective, make_loader(), training=training, folder=tmp_path / "a" / "b", run_key=KEY
        )

    with pytest.raises(FitError):
        run(breaking(cross_entropy(), 3, no_room))
    assert run(cross_entropy()).resumed == 2


def test_it_is_what_torch_raises_on_a_gpu():
    assert torch.cuda.OutOfMemoryError is torch.OutOfMemoryError
