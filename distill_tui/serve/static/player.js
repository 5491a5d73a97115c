// Plays one sound in one or two versions. Both versions run at once, on one clock, and one of them is silent, so that
// to switch keeps the place and leaves no gap.

const FADE_SECONDS = 0.004;
const MOST_SAMPLES = 40_000_000;

export class Player {
  /** `changed` is called when something starts, stops or is switched; `failed` with what could not be played. */
  constructor(changed, failed) {
    this.changed = changed;
    this.failed = failed;
    this.context = null;
    this.item = null;
    this.side = 0;
    this.loop = false;
    this.playing = false;
    this.buffers = [];
    this.sources = [];
    this.gains = [];
    this.offset = 0;
    this.startedAt = 0;
    this.decoded = new Map();
    this.ticket = 0;
  }

  get duration() {
    return Math.max(0, ...this.buffers.map((buffer) => buffer.duration));
  }

  get position() {
    if (!this.playing) return this.offset;
    const at = this.offset + this.context.currentTime - this.startedAt;
    return this.loop && this.duration ? at % this.duration : Math.min(Math.max(at, 0), this.duration);
  }

  /** Play `item` ({name, versions: [{side, url, place}]}) from `share` of its length, its version number `side`. */
  async play(item, side, share = 0) {
    const ticket = ++this.ticket;
    this.context ??= new AudioContext();
    this.halt();
    try {
      // a browser that heard no click yet keeps silent until there is one
      await Promise.race([this.context.resume(), new Promise((resolve) => setTimeout(resolve, 500))]);
      const buffers = await Promise.all(item.versions.map((version) => this.load(version.url)));
      if (ticket !== this.ticket) return;
      this.item = item;
      this.buffers = buffers;
      this.side = Math.min(side, buffers.length - 1);
      this.start(share * this.duration);
    } catch (error) {
      if (ticket === this.ticket) this.failed(item, error);
    }
  }

  async load(url) {
    let known = this.decoded.get(url);
    this.decoded.delete(url);
    if (!known) {
      known = fetch(url).then(async (answer) => {
        if (!answer.ok) throw new Error(answer.status === 404 ? "the file is gone" : `error ${answer.status}`);
        return this.context.decodeAudioData(await answer.arrayBuffer());
      });
    }
    this.decoded.set(url, known);
    try {
      const buffer = await known;
      this.forget();
      return buffer;
    } catch (error) {
      this.decoded.delete(url);
      throw error;
    }
  }

  /** Forget the sounds that were heard longest ago, where there are too many. */
  async forget() {
    let samples = 0;
    for (const [url, pending] of [...this.decoded].reverse()) {
      const buffer = await pending.catch(() => null);
      samples += buffer ? buffer.length * buffer.numberOfChannels : 0;
      if (samples > MOST_SAMPLES) this.decoded.delete(url);
    }
  }

  start(offset) {
    this.halt();
    const begin = this.context.currentTime + 0.02;
    this.offset = offset >= this.duration - 0.005 ? 0 : offset;
    this.startedAt = begin;
    this.gains = this.buffers.map((_, index) => {
      const gain = this.context.createGain();
      gain.gain.value = index === this.side ? 1 : 0;
      gain.connect(this.context.destination);
      return gain;
    });
    const longest = this.duration;
    this.sources = this.buffers.map((buffer, index) => {
      const source = this.context.createBufferSource();
      source.buffer = buffer.duration < longest - 1e-6 && this.loop ? padded(this.context, buffer, longest) : buffer;
      source.loop = this.loop;
      source.connect(this.gains[index]);
      source.start(begin, Math.min(this.offset, buffer.duration));
      return source;
    });
    const last = this.sources[this.buffers.findIndex((buffer) => buffer.duration === longest)];
    last.onended = () => {
      if (!this.playing || !this.sources.includes(last)) return;
      this.halt();
      this.offset = 0;
      this.changed();
    };
    this.playing = true;
    this.changed();
  }

  halt() {
    const at = this.position;
    for (const source of this.sources) {
      source.onended = null;
      source.stop();
      source.disconnect();
    }
    for (const gain of this.gains) gain.disconnect();
    this.sources = [];
    this.gains = [];
    if (this.playing) this.offset = at;
    this.playing = false;
  }

  toggle() {
    if (!this.item) return;
    if (this.playing) {
      this.halt();
      this.changed();
    } else {
      this.context.resume();
      this.start(this.offset);
    }
  }

  /** Go to a share of the length, and go on playing if it plays. */
  seek(share) {
    if (!this.item) return;
    const at = Math.min(1, Math.max(0, share)) * this.duration;
    if (this.playing) {
      this.start(at);
    } else {
      this.offset = at;
      this.changed();
    }
  }

  /** Hear another version from here on. */
  switchTo(side) {
    if (!this.item || side < 0 || side >= this.buffers.length) return;
    this.side = side;
    const now = this.context.currentTime;
    this.gains.forEach((gain, index) => gain.gain.setTargetAtTime(index === side ? 1 : 0, now, FADE_SECONDS));
    this.changed();
  }

  setLoop(loop) {
    this.loop = loop;
    if (this.playing) this.start(this.position);
    else this.changed();
  }
}

/** A shorter version with silence behind it, so that both versions of a loop come round at once. */
function padded(context, buffer, seconds) {
  const length = Math.round(seconds * buffer.sampleRate);
  const longer = context.createBuffer(buffer.numberOfChannels, length, buffer.sampleRate);
  for (let channel = 0; channel < buffer.numberOfChannels; channel++) {
    longer.copyToChannel(buffer.getChannelData(channel), channel);
  }
  return longer;
}
