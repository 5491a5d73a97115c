"""An example of settings.toml: everything that it may hold, each line to be used by taking its first `#` away."""

NTFY = """curl --silent --data-raw "$DISTILL_TEXT" https://ntfy.sh/YOUR-TOPIC"""
SLACK = """curl --silent --header 'Content-Type: application/json' --data-raw "$DISTILL_JSON" \
https://hooks.slack.com/services/YOUR/WEBHOOK"""

EXAMPLE = f"""\
#theme = "distill-light"
#cache_limit = "200 GB"    # the most that decoded sounds may take

# Desktop notifications at the end of a run and at a warning, by the terminal: osc9 (iTerm2, WezTerm, kitty, Ghostty),
# osc777 (foot, rxvt), off; else auto: where it is known to. Within tmux: set -g allow-passthrough on
#notify = "osc9"

# Commands started when a run has ended, however it did, and at each new kind of warning, also with nobody watching.
# They are told DISTILL_TEXT (one line), DISTILL_JSON (the same as {{"text": ...}}), DISTILL_NAME, DISTILL_STATE,
# DISTILL_REASON, DISTILL_RUN and DISTILL_MODEL.
# A push message to a phone, by ntfy.sh:
#on_finish = '''{NTFY}'''
#on_warning = '''{NTFY}'''
# A message in a channel of Slack, by an incoming webhook:
#on_finish = '''{SLACK}'''

[machine]
#price = 2.49              # of an hour: a run then says what it costs
#currency = "$"
#max_price = 10            # of a run, which stops there

[sounds]
#format = "flac"           # of previews, takes and reconstructions: half the size; else wav
#limit = "2 GB"            # of a run's previews (older ones are thinned out) and of a set's thrown-away takes

[folders]
#data = "~/sounds"         # what `train` takes and the app begins with
#models = "/big/models"

[keys]
#"app.library" = "l"

[defaults]                 # of a recipe; distill-tui train --keys lists what there is
#rvq_levels = 4
"""
