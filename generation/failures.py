"""How is what the engine or the store says of a failure told to a job's owner, or to the operator?"""

import logging

from generation.engine.errors import DeviceLost, EngineError
from jobs.lifecycle import JobFailed, WorkerUnfit
from wire.errors import ApiError

log = logging.getLogger(__name__)

OF_THE_OPERATOR = {"checkpoint_unusable": "This checkpoint", "lora_unreadable": "A LoRA of this request"}


def translated(error: BaseException) -> BaseException:
    """Say in the words of jobs what the engine or the store said; a bug stays what it is."""
    if isinstance(error, DeviceLost):
        return WorkerUnfit(str(error))
    if isinstance(error, EngineError) and error.code in OF_THE_OPERATOR:
        log.error("%s: %s", error.code, error)  # it names files of the server, which are no tenant's to see
        return JobFailed(error.code, f"{OF_THE_OPERATOR[error.code]} cannot be read. Ask the operator of this server.")
    if isinstance(error, EngineError):
        return JobFailed(error.code, str(error))
    if isinstance(error, ApiError):
        return JobFailed(error.code, error.message)
    return error
