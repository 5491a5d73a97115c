"""The life of runs on the card, through the command line alone, each in fresh processes."""

import json
import shutil
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from tests.gpu.programs import (
    Done,
    FailedError,
    Settings,
    cli,
    demo_sounds,
    end_of,
    end_workers,
    inside,
    run,
    sets,
    train,
    warnings_of,
)

DETERMINISTIC = "train.deterministic"
"""The switch for runs that are equal bit by bit, where the recipe has one."""


def deterministic() -> list[str]:
    """The flags that ask for equal runs; none where the recipe has no such switch."""
    from distill_tui.recipe.fields import fields

    return sets(**{DETERMINISTIC: "true"}) if DETERMINISTIC in fields() else []


def tiny(settings: Settings, **values: Any) -> list[str]:
    """A net that takes a moment: flags."""
    chosen = {
        "model__channels": 16 if settings.small else 64,
        "model__encoder_blocks": 1,
        "model__decoder_blocks": 1,
        "model__latent_dim": 8,
        "model__codebook_size": 16,
        "model__rate": 8000,
        "data__crop_seconds": 0.5,
        "train__batch_size": 4,
        "train__steps_per_epoch": 4 if settings.small else 20,
        "train__epochs": 4 if settings.small else 12,
        "train__previews": 1,
        "train__checkpoint_minutes": 0.05,
    }
    return sets(**chosen | values)


def together(settings: Settings, jobs: dict[str, Callable[[], dict[str, Any]]]) -> dict[str, Any]:
    """What the jobs give, at once where there are cores for it; one that fails leaves its reason."""
    found: dict[str, Any] = {}
    with ThreadPoolExecutor(2 if settings.small else 8) as pool:
        running = {pool.submit(job): name for name, job in jobs.items()}
        for future in as_completed(running):
            name = running[future]
            try:
                found[name] = future.result()
                print(f"   {name}: {json.dumps(found[name])[:400]}", flush=True)
            except Exception as error:  # noqa: BLE001 - the others go on
                found[name] = {"error": str(error)}
                print(f"   {name}: FAILED: {error}", flush=True)
    return found


def summary(done: Done) -> dict[str, Any]:
    """How a run ended, in a few numbers."""
    last = end_of(done)
    losses = [e["values"] for e in done.events if e["type"] == "metrics" and e["scope"] == "epoch"]
    prepared = [e for e in done.events if e["type"] == "prepared"]
    return {
        "end": last["type"],
        "step": last.get("step"),
        "trained_s": last.get("seconds"),
        "whole_s": round(done.seconds, 1),
        "device": prepared[0]["device"] if prepared else "",
        "precision": prepared[0]["precision"] if prepared else "",
        "distance": losses[-1].get("distance/val") if losses else None,
        "warnings": warnings_of(done),
        "path": last.get("path", ""),
    }


def life(settings: Settings) -> dict[str, Any]:
    """Runs of every kind to their ends, one stopped and resumed, and a model at work."""
    sounds = demo_sounds(settings)

    def kind(name: str, **values: Any) -> Callable[[], dict[str, Any]]:
        def job() -> dict[str, Any]:
            return summary(train(settings, settings.work / f"home-{name}", sounds, name, *tiny(settings, **values)))

        return job

    jobs = {
        "resumed": lambda: resumed(settings, sounds),
        "at work": lambda: at_work(settings, sounds),
        "pictures": lambda: pictures(settings),
        "gradient": kind("gradient", model__quantizer="rvq_gradient"),
        "kl": kind("kl", model__quantizer="vae"),
        "conv2d": kind("conv2d", model__net="conv2d", model__mels=32),
    }
    return found_or_error(together(settings, jobs))


def found_or_error(found: dict[str, Any]) -> dict[str, Any]:
    """With an `error` of its own where one of the jobs failed."""
    failed = [name for name, value in found.items() if "error" in value]
    return found | ({"error": f"failed: {', '.join(failed)}"} if failed else {})


def resumed(settings: Settings, sounds: Path) -> dict[str, Any]:
    """A run that was interrupted and resumed, against one that was not."""
    # long enough for a signal to come before its end
    longer = {"train__epochs": 40} if settings.small else {"train__epochs": 20}
    flags = [*tiny(settings, **longer), *deterministic()]
    whole = train(settings, settings.work / "home-whole", sounds, "whole", *flags)
    home = settings.work / "home-parted"
    # the first epoch's end: the run is stopped in the next ones
    parted = train(settings, home, sounds, "parted", *flags, interrupt_after='"scope":"epoch"', may_fail=True)
    last = end_of(parted)
    if last["type"] != "stopped":
        raise FailedError(f"interrupted, it was {last['type']} at step {last.get('step')}")
    again = cli(settings, home, "resume", "parted", "--json")
    return {
        "weights": compare(settings, end_of(whole)["path"], end_of(again)["path"]),
        "stopped_at": last["step"],
        "stopped_code": parted.code,
        "whole": summary(whole),
        "resumed": summary(again),
        "deterministic": bool(deterministic()),
    }


def compare(settings: Settings, one: str, other: str) -> dict[str, Any]:
    """The weights of two models: equal bit by bit, or the greatest difference."""
    return inside(settings, "compare", one=one, other=other)[0]


def at_work(settings: Settings, sounds: Path) -> dict[str, Any]:
    """A model verified, and sounds through it on the card."""
    home = settings.work / "home-model"
    done = train(settings, home, sounds, "model", *tiny(settings))
    model, where = end_of(done)["path"], ["--device", settings.device]
    found: dict[str, Any] = {"run": summary(done), "verify": cli(settings, home, "models", "verify", model).out.strip()}
    file, out = str(sorted(sounds.rglob("*.wav"))[0]), settings.work / "made"
    told = cli(settings, home, "reconstruct", model, file, "--out", str(out), *where, "--json")
    found["reconstruct_distance"] = json.loads(told.out)["distance"]
    codes, decoded = str(settings.work / "codes.npz"), settings.work / "decoded.wav"
    cli(settings, home, "encode", model, file, "--out", codes, *where)
    cli(settings, home, "decode", model, codes, "--out", str(decoded), *where)
    found["decoded_equals_reconstructed"] = decoded.read_bytes() == next(out.glob("*.wav")).read_bytes()
    report = json.loads(cli(settings, home, "models", "evaluate", model, str(sounds), *where, "--json").out)
    found["evaluate"] = {"mel": report["held_out"]["mel"], "real_time": report["real_time"]}
    if not found["decoded_equals_reconstructed"]:
        print("   decode(encode(x)) is not reconstruct(x)", flush=True)
    return found


def pictures(settings: Settings) -> dict[str, Any]:
    """A run of the Explorer on figures that it draws."""
    # `cuda` without a number: the first card
    device = settings.device.partition(":")[0]
    flags = ["--name", "digits", "--device", device, "--json", "--epochs", "1" if settings.small else "3"]
    more = sets(train__map_seconds=0.1, train__steps_per_epoch=8 if settings.small else 50)
    return summary(cli(settings, settings.work / "home-digits", "explore", *flags, *more))


def equal(settings: Settings) -> dict[str, Any]:
    """Two equal runs at once, bit by bit."""
    sounds, flags = demo_sounds(settings), [*tiny(settings, train__epochs=2), *deterministic()]

    def job(name: str) -> Callable[[], dict[str, Any]]:
        return lambda: summary(train(settings, settings.work / f"home-{name}", sounds, name, *flags))

    found = together(settings, {"one": job("one"), "other": job("other")})
    if not any("error" in run for run in found.values()):
        found["weights"] = compare(settings, found["one"]["path"], found["other"]["path"])
    found = found_or_error(found) | inside(settings, "uncertain")[0]
    found["deterministic"] = bool(deterministic())
    print(f"   {json.dumps({k: v for k, v in found.items() if k not in ('one', 'other')}, indent=1)}", flush=True)
    return found


def out_of_memory(settings: Settings) -> dict[str, Any]:
    """Batches that are far too large: what a run says, and whether it goes on."""
    if not settings.on_cuda:
        return {"skipped": "a CPU's memory is not filled on purpose"}
    sounds, found = demo_sounds(settings), {}
    for seconds in (5, 30):
        values = {"train__batch_size": 4096, "data__crop_seconds": seconds, "train__epochs": 1}
        flags = sets(**values, train__steps_per_epoch=4, train__quantizer_warmup_fraction=0.3, train__previews=1)
        home = settings.work / f"home-oom-{seconds}"
        try:
            done = train(settings, home, sounds, f"large{seconds}", *flags, may_fail=True, limit=settings.left / 1.5)
            last = end_of(done)
            told = {"end": last["type"], "reason": last.get("reason", ""), "warnings": warnings_of(done)}
        except FailedError as error:
            told = {"error": str(error)}
        found[f"batch 4096 of {seconds} s"] = told
        print(f"   batch 4096 of {seconds} s: {json.dumps(told)}", flush=True)
        end_workers(home)
    return found


def drums(settings: Settings) -> dict[str, Any]:
    """Some minutes of the default recipe, judged on what was held out."""
    data = settings.data or demo_sounds(settings)
    home = settings.work / "home-drums"
    shrunk = tiny(settings, train__epochs=100) if settings.small else []
    flags = ["--minutes", str(settings.drums_minutes), *sets(data__validation_fraction=0.2), *shrunk]
    done = train(settings, home, data, "drums", *flags)
    found: dict[str, Any] = {"run": summary(done), "minutes": settings.drums_minutes, "data": data.name}
    found |= pace(done)
    print(f"   {json.dumps(found)}", flush=True)
    where = ["--device", settings.device]
    model = found["run"]["path"]
    report = json.loads(cli(settings, home, "models", "evaluate", model, str(data), *where, "--json").out)
    found["evaluate"] = {key: report[key] for key in ("held_out", "kbps", "efficiency", "real_time")}
    names = [sound["name"] for sound in report["sounds"] if sound["seen"] == "validation"]
    if settings.measure is None:
        return found | {"measured": "no --measure: no mel, lsd, buzz, level and attack"}
    originals, made = settings.work / "originals", settings.work / "made-drums"
    originals.mkdir()
    for number, name in enumerate(names):
        # names of their own: sounds of two folders may be called the same
        shutil.copy(data / name, originals / f"{number:03d}{Path(name).suffix}")
    cli(settings, home, "reconstruct", model, str(originals), "--out", str(made), *where)
    measured = run([sys.executable, str(settings.measure), str(originals), str(made), "--json"], settings.left)
    if measured.code:
        raise FailedError(f"{settings.measure.name}: {measured.last_words}")
    found["measured"] = json.loads(measured.out)
    print(f"   {json.dumps(found['measured'])}", flush=True)
    return found


def pace(done: Done) -> dict[str, Any]:
    """Steps, the time of a step, and the share of the time that validation took, from a run's events."""
    validating, previous, steps = 0.0, None, []
    for event in done.events:
        if event["type"] == "metrics":
            if event["scope"] == "epoch" and previous is not None:
                validating += event["time"] - previous
            elif event["scope"] == "step":
                steps.append(event["values"]["time/step"])
            previous = event["time"]
    last, middle = end_of(done), sorted(steps)[len(steps) // 2] if steps else None
    prepared = next(e for e in done.events if e["type"] == "prepared")
    return {
        "steps": last.get("step"),
        "steps_a_second": round(1 / middle, 2) if middle else None,
        "validation_s": round(validating, 2),
        "validation_share": round(validating / max(last["seconds"], 1e-9), 3),
        "epochs": last.get("epoch"),
        "files": [prepared["training_files"], prepared["validation_files"]],
        "train_seconds": last["seconds"],
    }


def validation(settings: Settings) -> dict[str, Any]:
    """How much of a run on a folder of 600 one-shots its validation takes."""
    sounds = demo_sounds(settings, 60 if settings.small else 600)
    minutes = 0.03 if settings.small else 0.4
    flags = ["--minutes", str(minutes), *(tiny(settings, train__epochs=100) if settings.small else [])]
    done = train(settings, settings.work / "home-many", sounds, "many", *flags)
    found = {"run": summary(done)} | pace(done)
    print(f"   {json.dumps(found)}", flush=True)
    return found
