"""Parts of HTML pages about runs, models and takes, for the report (one file) and the listening page (`serve`).

Pure functions: what is known goes in, an `html.Html` comes out, escaped, without scripts, inline styles or addresses of
elsewhere, so that a strict Content-Security-Policy suits them. The words are those of `reporting`; the looks are
classes of `style.css`, which `document.stylesheet` reads. Each module says what it draws:

- `html`: the escape, elements, data: addresses. `document`: a whole page.
- `text`: sections, facts, tables, lines with roles.
- `curves`: losses and other series over time, with marks. `chart`: the frame and axes that they are drawn in.
- `health`: codebooks now and over time. `recipe`: settings, and why the automatic ones are so. `quality`: how good it
  sounds. `notes`: warnings, advice, changes of settings, the ending.
- `spectrogram`: pictures of sounds as PNG files, with axes. `sound`: players.
- `colors`: the colour map.
"""
