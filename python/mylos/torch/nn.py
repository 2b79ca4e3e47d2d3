"""Modules of torch.nn whose forward runs on Mylos: the same arguments, parameters and state."""

import torch

from . import _operators as op


class Softmax(torch.nn.Softmax):
    def forward(self, x):
        return op.softmax(x, self.dim)


class LogSoftmax(torch.nn.LogSoftmax):
    def forward(self, x):
        return op.log_softmax(x, self.dim)


class Linear(torch.nn.Linear):
    def forward(self, x):
        return op.linear(x, self.weight, self.bias)


class LayerNorm(torch.nn.LayerNorm):
    def forward(self, x):
        return op.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)


class RMSNorm(torch.nn.RMSNorm):
    def forward(self, x):
        return op.rms_norm(x, self.normalized_shape, self.weight, self.eps)


class GroupNorm(torch.nn.GroupNorm):
    def forward(self, x):
        return op.group_norm(x, self.num_groups, self.weight, self.bias, self.eps)


class _BatchNorm:
    def forward(self, x):
        self._check_input_dim(x)
        training = self.training or self.running_mean is None
        momentum = self.momentum
        if self.training and self.track_running_stats and self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
            if momentum is None:
                momentum = 1.0 / float(self.num_batches_tracked)
        mean, variance = (self.running_mean, self.running_var) if not self.training or self.track_running_stats else (None, None)
        return op.batch_norm(x, mean, variance, self.weight, self.bias, training, momentum or 0.0, self.eps)


class BatchNorm1d(_BatchNorm, torch.nn.BatchNorm1d):
    pass


class BatchNorm2d(_BatchNorm, torch.nn.BatchNorm2d):
    pass


class BatchNorm3d(_BatchNorm, torch.nn.BatchNorm3d):
    pass


def _activation(name, operator, *parameters):
    base = getattr(torch.nn, name)

    def forward(self, x):
        return getattr(op, operator)(x, *[float(getattr(self, parameter)) for parameter in parameters])

    return type(name, (base,), {"forward": forward, "__module__": __name__})


class GELU(torch.nn.GELU):
    def forward(self, x):
        return op.gelu_tanh(x) if self.approximate == "tanh" else op.gelu(x)


ReLU = _activation("ReLU", "relu")
LeakyReLU = _activation("LeakyReLU", "leaky_relu", "negative_slope")
ELU = _activation("ELU", "elu", "alpha")
CELU = _activation("CELU", "celu", "alpha")
SELU = _activation("SELU", "selu")
Sigmoid = _activation("Sigmoid", "sigmoid")
LogSigmoid = _activation("LogSigmoid", "log_sigmoid")
Tanh = _activation("Tanh", "tanh")
Softplus = _activation("Softplus", "softplus", "beta", "threshold")
Softsign = _activation("Softsign", "softsign")
SiLU = _activation("SiLU", "silu")
Mish = _activation("Mish", "mish")
Hardsigmoid = _activation("Hardsigmoid", "hardsigmoid")
Hardswish = _activation("Hardswish", "hardswish")
Hardtanh = _activation("Hardtanh", "hardtanh", "min_val", "max_val")
ReLU6 = _activation("ReLU6", "relu6")
Threshold = _activation("Threshold", "threshold", "threshold", "value")
Softshrink = _activation("Softshrink", "softshrink", "lambd")
Hardshrink = _activation("Hardshrink", "hardshrink", "lambd")
Tanhshrink = _activation("Tanhshrink", "tanhshrink")
