"""A checkpoint of a study as a file, and back: JSON, the same bytes for the same checkpoint."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import Any

from gentie.engines.interconnection.cluster_checkpoint import Act, Checkpoint, Decision, Stage
from gentie.engines.interconnection.cluster_study import Condition, UnreachedOverload
from gentie.engines.interconnection.remedial_action import Scheme
from gentie.quantities.findings import BadInput, Finding

FORMAT = "gentie-checkpoint/1"


def checkpoint_bytes(checkpoint: Checkpoint, *, inputs_digest: str) -> bytes:
    """The file of a checkpoint; numbers keep every bit.

    Args:
        checkpoint: of the engine.
        inputs_digest: of everything that the study rests on.
    """
    said = asdict(checkpoint) | {"format": FORMAT, "inputs": inputs_digest}
    if math.isnan(checkpoint.dispatch_share):
        said["dispatch_share"] = None
    return f"{json.dumps(said, sort_keys=True, allow_nan=False)}\n".encode()


def checkpoint_of(content: bytes, *, inputs_digest: str) -> Checkpoint:
    """The checkpoint in a file.

    Raises:
        BadInput: the file is damaged, of another format, or of a study of other inputs.
    """
    try:
        said = json.loads(content)
        if not isinstance(said, dict) or said.get("format") != FORMAT:
            raise BadInput(
                Finding(
                    "study.checkpoint.format",
                    f"The kept state of the study is not of the format {FORMAT!r}, which this "
                    "version reads; run the study again.",
                )
            )
        if said["inputs"] != inputs_digest:
            raise BadInput(
                Finding(
                    "study.checkpoint.other",
                    "The kept state belongs to a study of other inputs or of another version; run "
                    "the study again.",
                )
            )
        return _checkpoint(said)
    except (ValueError, KeyError, TypeError) as cause:
        raise BadInput(
            Finding(
                "study.checkpoint.damaged",
                f"The kept state of the study is damaged ({cause}); run the study again.",
            )
        ) from cause


def _checkpoint(said: dict[str, Any]) -> Checkpoint:
    share = said["dispatch_share"]
    return Checkpoint(
        start=str(said["start"]),
        stage=Stage(said["stage"]),
        built_before=int(said["built_before"]),
        decisions=tuple(
            Decision(
                **one | {"act": Act(one["act"]), "condition": Condition(one["condition"])},
            )
            for one in said["decisions"]
        ),
        schemes=tuple(
            Scheme(
                outage=int(one["outage"]),
                requests=tuple(one["requests"]),
                tripped_mw=float(one["tripped_mw"]),
                elements=tuple(one["elements"]),
            )
            for one in said["schemes"]
        ),
        unreached=tuple(UnreachedOverload(**one) for one in said["unreached"]),
        dispatch_share=float("nan") if share is None else float(share),
    )
