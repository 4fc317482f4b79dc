"""How are the weights moved? Muon for matrices and convolution kernels, AdamW for everything else, float32 masters."""

import torch
from torch import Tensor, nn

NS_STEPS = 4


def orthogonalised(matrix: Tensor) -> Tensor:
    """Push all singular values of a matrix towards 1: the quintic Newton-Schulz iteration of Muon (Jordan 2024).

    The result is rough (0.7 to 1.2) and needs no more than bfloat16, which is what makes it cheap.
    """
    a, b, c = 3.4445, -4.7750, 2.0315
    wide = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    wide = (wide / (wide.norm() + 1e-7)).bfloat16()
    for _ in range(NS_STEPS):
        gram = wide @ wide.T
        wide = a * wide + (b * gram + c * (gram @ gram)) @ wide
    return (wide if matrix.shape[0] <= matrix.shape[1] else wide.T).float()


class Optimiser:
    """Muon + AdamW over float32 masters of a model that itself may run in bfloat16, and their running average."""

    def __init__(self, modules: dict[str, nn.Module], *, edges: tuple[str, ...], ema: float) -> None:
        """Take the masters from `modules`; parameters whose name holds one of `edges` (first/last layers) go to AdamW."""
        self.live = {f"{key}.{name}": p for key, module in modules.items() for name, p in module.named_parameters()}
        self.master = {name: p.detach().float().clone() for name, p in self.live.items()}
        self.average = {name: p.clone() for name, p in self.master.items()}
        self.ema, self.steps = ema, 0
        self.momentum = {name: torch.zeros_like(p) for name, p in self.master.items()}
        self.matrices = {n for n, p in self.live.items() if p.ndim >= 2 and not any(edge in n for edge in edges)}
        self.variance = {n: torch.zeros_like(p) for n, p in self.master.items() if n not in self.matrices}

    @torch.no_grad()
    def step(self, rate: float) -> float:
        """Apply the gradients the model holds, clear them, and return their norm before clipping to 1."""
        gradients = {name: p.grad.float() for name, p in self.live.items() if p.grad is not None}
        norm = float(torch.linalg.vector_norm(torch.stack([g.norm() for g in gradients.values()])))
        self.steps += 1
        for name, gradient in gradients.items():
            gradient = gradient / max(1.0, norm)
            update = self._muon(name, gradient) if name in self.matrices else self._adam(name, gradient)
            self.master[name].mul_(1 - rate * 0.01).sub_(update, alpha=rate)
        # Early on a long average would mostly remember the random start.
        decay = min(self.ema, (1 + self.steps) / (10 + self.steps))
        for name, parameter in self.live.items():
            self.average[name].lerp_(self.master[name], 1 - decay)
            parameter.copy_(self.master[name])
            parameter.grad = None
        return norm

    def _muon(self, name: str, gradient: Tensor) -> Tensor:
        self.momentum[name].lerp_(gradient, 0.05)
        update = gradient.lerp(self.momentum[name], 0.95).flatten(1)  # Nesterov
        # 0.2 sqrt(max side) gives the update the size AdamW's would have, so one learning rate fits both.
        return (orthogonalised(update) * (0.2 * max(update.shape) ** 0.5)).reshape(gradient.shape)

    def _adam(self, name: str, gradient: Tensor) -> Tensor:
        self.momentum[name].lerp_(gradient, 0.1)
        self.variance[name].lerp_(gradient.square(), 0.01)
        first = self.momentum[name] / (1 - 0.9**self.steps)
        second = self.variance[name] / (1 - 0.99**self.steps)
        return first / (second.sqrt() + 1e-8)

    def state(self) -> dict:
        """Everything a later process needs to go on as if nothing had happened."""
        return {key: getattr(self, key) for key in ("steps", "master", "average", "momentum", "variance")}

    @torch.no_grad()
    def restore(self, state: dict) -> None:
        """Go on from a saved state."""
        self.steps = state["steps"]
        for key in ("master", "average", "momentum", "variance"):
            for name, tensor in getattr(self, key).items():
                tensor.copy_(state[key][name])
        for name, parameter in self.live.items():
            parameter.copy_(self.master[name])

    @torch.no_grad()
    def load_average(self, modules: dict[str, nn.Module]) -> None:
        """Copy the running average, which draws better than the last step, into float32 modules of the same shape."""
        for key, module in modules.items():
            for name, parameter in module.named_parameters():
                parameter.copy_(self.average[f"{key}.{name}"])
