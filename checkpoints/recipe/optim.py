"""How are the weights moved? Muon for matrices and convolution kernels, AdamW for everything else, float32 masters."""

from collections import defaultdict

import torch
from torch import Tensor, nn

NS_STEPS = 4


def orthogonalised(matrices: Tensor) -> Tensor:
    """Push all singular values of matrices [n, rows, columns] towards 1: Muon's Newton-Schulz iteration (Jordan 2024).

    The result is rough (0.7 to 1.2) and needs no more than bfloat16, which is what makes it cheap.
    """
    a, b, c = 3.4445, -4.7750, 2.0315
    tall = matrices.shape[-2] > matrices.shape[-1]
    wide = matrices.mT if tall else matrices
    wide = (wide / (wide.norm(dim=(-2, -1), keepdim=True) + 1e-7)).to(working_type(matrices.device))
    for _ in range(NS_STEPS):
        gram = wide @ wide.mT
        wide = a * wide + (b * gram + c * (gram @ gram)) @ wide
    return (wide.mT if tall else wide).float()


def working_type(device: str | torch.device) -> torch.dtype:
    """Choose the type to compute in: bfloat16 where the processor multiplies it, for elsewhere it is 10x slower."""
    device = torch.device(device)
    native = device.type == "cuda" or torch.cpu.get_capabilities().get("avx512_bf16", False)
    return torch.bfloat16 if native else torch.float32


class Optimiser:
    """Muon and AdamW over float32 masters of modules that may themselves run in bfloat16, with a running average."""

    def __init__(self, modules: dict[str, nn.Module], *, edges: tuple[str, ...], ema: float) -> None:
        """Take masters of what may change in `modules`; names that hold one of `edges` (first, last) go to AdamW."""
        self.live = {
            f"{key}.{name}": p
            for key, module in modules.items()
            for name, p in module.named_parameters()
            if p.requires_grad
        }
        self.master = {name: p.detach().float().clone() for name, p in self.live.items()}
        self.average = {name: p.clone() for name, p in self.master.items()}
        self.ema, self.steps = ema, 0
        self.momentum = {name: torch.zeros_like(p) for name, p in self.master.items()}
        self.matrices = {n for n, p in self.live.items() if p.ndim >= 2 and not any(edge in n for edge in edges)}
        self.variance = {n: torch.zeros_like(p) for n, p in self.master.items() if n not in self.matrices}

    @torch.no_grad()
    def step(self, rate: float) -> float:
        """Apply the gradients the modules hold, clear them, and return their norm before it was clipped to 1."""
        gradients = {name: p.grad.float() for name, p in self.live.items() if p.grad is not None}
        norm = torch.linalg.vector_norm(torch.stack([g.norm() for g in gradients.values()])).item()
        gradients = {name: gradient / max(1.0, norm) for name, gradient in gradients.items()}
        self.steps += 1
        for name, update in (self._muon(gradients) | self._adam(gradients)).items():
            self.master[name].mul_(1 - rate * 0.01).sub_(update, alpha=rate)
        # Early on, a long average would mostly remember the random start.
        decay = min(self.ema, (1 + self.steps) / (10 + self.steps))
        for name, parameter in self.live.items():
            self.average[name].lerp_(self.master[name], 1 - decay)
            parameter.copy_(self.master[name])
            parameter.grad = None
        return norm

    def _muon(self, gradients: dict[str, Tensor]) -> dict[str, Tensor]:
        alike: dict[torch.Size, list[str]] = defaultdict(list)
        directions = {}
        for name in self.matrices & gradients.keys():
            self.momentum[name].lerp_(gradients[name], 0.05)
            directions[name] = gradients[name].lerp(self.momentum[name], 0.95).flatten(1)  # Nesterov
            alike[directions[name].shape].append(name)
        updates: dict[str, Tensor] = {}
        for shape, names in alike.items():
            # 0.2 sqrt(longer side) gives the update the size that AdamW's has, so one learning rate fits both.
            found = orthogonalised(torch.stack([directions[name] for name in names])) * (0.2 * max(shape) ** 0.5)
            updates |= {name: u.reshape(self.live[name].shape) for name, u in zip(names, found, strict=True)}
        return updates

    def _adam(self, gradients: dict[str, Tensor]) -> dict[str, Tensor]:
        updates = {}
        for name in self.variance.keys() & gradients.keys():
            self.momentum[name].lerp_(gradients[name], 0.1)
            self.variance[name].lerp_(gradients[name].square(), 0.01)
            first = self.momentum[name] / (1 - 0.9**self.steps)
            second = self.variance[name] / (1 - 0.99**self.steps)
            updates[name] = first / (second.sqrt() + 1e-8)
        return updates

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
        """Copy the running average, which draws better than the last step, into modules of the same shape."""
        for key, module in modules.items():
            for name, parameter in module.named_parameters():
                if parameter.requires_grad:
                    parameter.copy_(self.average[f"{key}.{name}"])
