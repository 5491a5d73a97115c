"""`models evaluate`: how far sounds are from what a model makes of them."""

import argparse
from typing import TYPE_CHECKING

from distill_tui.cli.output import print_json, say
from distill_tui.reporting import sound_quality
from distill_tui.reporting.formatting import percent, table
from distill_tui.text import printable

if TYPE_CHECKING:
    from distill_tui.engine.inference.evaluate import EvaluationReport, FileScore

_MEASURES = """\
Measured of each sound, its channels mixed to one, and as means over sounds:

  distance     {formula},
               level and attack in dB, each up to {most:.0f} dB a sound; the best
               epoch of a training is the one in which it is least
  quality      of a model's own held-out sounds, where that was measured: 0 %
               is the mean spectrum of the training sounds in place of each,
               100 % each through its analysis and synthesis without a net
  mel          distance of the log mel magnitudes: L1 of their log10, clamped
               at -80 dB, as the mean over windows of 256, 512, 1024, 2048 and
               4096 samples with 32, 64, 80, 128 and 160 bands; 0 is the same
               (Kumar et al. 2023, arXiv 2306.06546)
               {mel}
  lsd          log-spectral distance in dB: the root mean square over bins of
               the difference of magnitudes, of windows of 2048 samples,
               clamped at -80 dB
  buzz         how much more what lies above 1 kHz repeats itself than it does
               in the original: the largest excess of the normalised
               autocorrelation at lags of 3 to 60 ms. 0 is none, noise that is
               decoded to the same frame again and again comes near 1
               {buzz}
  level        RMS against the original's in dB; in the table negative is too
               quiet, in means it has no sign
               {level}
  attack       the loudest millisecond against the original's in dB; negative
               is too soft
               {attack}
  stft         spectral convergence plus L1 of the natural log of the
               magnitudes, as the mean over the same windows
               (Yamamoto et al. 2020, arXiv 1910.11480)
  SI-SDR       scale-invariant signal-to-distortion ratio of the samples in
               dB, more is better (Le Roux et al. 2019, arXiv 1811.02508). It
               means something only for a net that was trained to keep the
               phase: one that learned from magnitudes stays near 0 dB or
               below, however well it sounds
  x real time  seconds of sound that are encoded and decoded in a second,
               files included; the real-time factor is its inverse
  kbps         latent frames a second x levels x log2 of the codebook size
               / 1000, of one channel
  carrying     bitrate efficiency: the entropy of the codes that were used,
               summed over the levels, as a share of their bits
               (Kumar et al. 2023, the same)
"""
MEASURES = _MEASURES.format(
    formula=sound_quality.FORMULA,
    most=sound_quality.MOST_DB,
    **{key: sound_quality.worry_text(key) for key in ("mel", "buzz", "level", "attack")},
)


def evaluate(options: argparse.Namespace, as_json: bool) -> int:
    """Print the distances per file and in total; 1 when a sound could not be read again.

    Raises:
        RequestError: no such model, no usable sound, or levels that the model has not.
    """
    from distill_tui.cli.commands.audio import open_model, wanted_beam, wanted_levels
    from distill_tui.data.scan import scan
    from distill_tui.data.silence_stderr import quiet_decoders
    from distill_tui.paths import find_home

    with quiet_decoders():
        home = find_home(options.home)
        corpus = scan(options.data, 0.1, home)
        corpus.facts()
        for skipped in corpus.skipped:
            say(f"skipped {printable(skipped.name)}: {skipped.reason}")
        model = open_model(options.home, options.m, options.device)
        from distill_tui.engine.inference.evaluate import evaluate_corpus

        levels, beam = wanted_levels(options, model), wanted_beam(options, model)
        report = evaluate_corpus(model, corpus, levels, lambda one: None if as_json else _tell(one), beam, home)
    if as_json:
        print_json(report)
    else:
        _print_totals(report)
    for name, reason in report.failed:
        say(f"distill-tui: {printable(name)}: {reason}")
    return 1 if report.failed else 0


def _tell(one: "FileScore") -> None:
    words = sound_quality.words(sound_quality.summary([one.numbers]))
    say(f"{one.mel:.4f}  {printable(one.name)}{f': {words}' if words else ''}")


def _print_totals(report: "EvaluationReport") -> None:
    was = {"": "new" if report.knows_its_sounds else "-", "training": "trained on", "by time": "trained on"}
    rows = [
        [
            printable(one.name),
            was.get(one.seen, "held out"),
            f"{one.distance:.3f}",
            f"{one.mel:.4f}",
            f"{one.lsd:.1f}",
            f"{one.buzz:.2f}",
            f"{one.level_signed:.1f}",
            f"{one.attack_signed:.1f}",
            f"{one.stft:.3f}",
            _decibels(one.si_sdr),
            f"{one.real_time:.1f}",
            sound_quality.words(sound_quality.summary([one.numbers])),
        ]
        for one in report.sounds
    ]
    head = ["sound", "was", "distance", "mel", "lsd dB", "buzz", "level dB", "attack dB", "stft", "SI-SDR dB"]
    print(table([*head, "x real time", "what is heard"], rows))
    print()
    known = report.knows_its_sounds
    if not known:
        print("the model was exported without the names of its sounds, so which of these it was trained on is unknown")
    for name, means in (("held out" if known else "all", report.held_out), ("trained on", report.trained_on)):
        if means["files"] and means["mel"] is not None:
            print(
                f"{name}: {means['files']:.0f} sounds, mel {means['mel']:.4f}, stft {means['stft']:.3f}, "
                f"SI-SDR {_decibels(means['si_sdr'])} dB"
            )
            if report.quality and means is report.held_out:
                print(f"  quality    {report.quality['text']}")
            for line in sound_quality.table_lines(means, indent=2):
                print(line.text)
    used = percent(report.efficiency)
    if report.levels:
        print(f"{report.levels} levels, {report.kbps:.2f} kbps a channel, {used} of it carrying something")
    else:
        print("no levels: the latents are continuous, and have no bitrate")
    if report.real_time is not None:
        print(f"{report.real_time:.1f} times real time, reading and writing included")


def _decibels(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"
