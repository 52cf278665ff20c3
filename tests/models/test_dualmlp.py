import torch
from archarena.harness import Fields
from archarena.models.dualmlp import DualMLP

IDS = torch.tensor([[[1], [2]], [[3], [4]]])


def test_the_logit_is_the_sum_of_two_perceptrons():
    model = DualMLP(Fields((5, 6)), 2, width=8, depth=2, width2=4, depth2=1).eval()
    e = model.embedding(IDS).flatten(1)
    torch.testing.assert_close(
        model(IDS), model.head1(model.stream1(e)) + model.head2(model.stream2(e)), rtol=0, atol=0
    )


def test_stream_two_is_as_large_as_stream_one_unless_told_otherwise():
    model = DualMLP(Fields((5, 6)), 1, width=8, depth=3)
    shapes = [[p.shape for p in stream.parameters()] for stream in (model.stream1, model.stream2)]
    assert shapes[0] == shapes[1]
