// The player's bar at the lower edge, and the playheads over the spectrograms.

import { $, say, seconds } from "./views.js";

export class PlayerBar {
  /** `marked` is called when what plays has changed. */
  constructor(player, marked) {
    this.player = player;
    this.marked = marked;
    this.said = "";
    this.frame = 0;
    $("play").onclick = () => player.toggle();
    $("seek").oninput = () => player.seek($("seek").value / 1000);
    $("loop").onclick = () => player.setLoop(!player.loop);
  }

  show() {
    const { player } = this;
    const { item } = player;
    if (!item) return;
    $("player").hidden = false;
    $("play").classList.toggle("is-playing", player.playing);
    $("play").setAttribute("aria-label", player.playing ? "Pause" : "Play");
    $("playing-name").textContent = item.name;
    $("playing-note").textContent = player.context.state === "suspended" ? "press a key or click to hear it" : "";
    this.showSides(item);
    $("loop").setAttribute("aria-pressed", String(player.loop));
    const now = `${player.playing ? "Playing" : "Paused"}: ${item.versions[player.side].side} of ${item.name}`;
    if (now !== this.said) say(now);
    this.said = now;
    this.marked();
    this.tick();
  }

  showSides(item) {
    const sides = $("sides");
    const of = item.versions.map((version) => version.url).join();
    if (sides.dataset.of !== of) {
      sides.dataset.of = of;
      sides.hidden = item.versions.length < 2;
      sides.replaceChildren(...item.versions.map((version, index) => {
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = version.side;
        button.onclick = () => this.player.switchTo(index);
        return button;
      }));
    }
    [...sides.children].forEach((button, index) => button.setAttribute("aria-pressed", String(index === this.player.side)));
  }

  showProblem(item, error) {
    $("player").hidden = false;
    $("playing-name").textContent = item.name;
    $("playing-note").textContent = `cannot be played: ${error.message}`;
    say(`${item.name} cannot be played: ${error.message}`);
  }

  /** Show the place in the sound, from frame to frame while it plays. */
  tick() {
    const { player } = this;
    cancelAnimationFrame(this.frame);
    const share = player.position / (player.duration || 1);
    $("seek").value = Math.round(share * 1000);
    $("seek").setAttribute("aria-valuetext", seconds(player.position));
    $("time").textContent = `${seconds(player.position)} / ${seconds(player.duration)}`;
    this.showHeads(share);
    if (player.playing) this.frame = requestAnimationFrame(() => this.tick());
  }

  showHeads(share) {
    const places = new Set(this.player.item?.versions.map((version) => version.place));
    for (const version of document.querySelectorAll(".version")) {
      const picture = version.querySelector(".spectrogram");
      let head = version.querySelector(".playhead");
      if (!picture || !places.has(version.querySelector(".heard").dataset.place)) {
        head?.remove();
        continue;
      }
      if (!head) {
        head = document.createElement("span");
        head.className = "playhead";
        picture.parentElement.append(head);
      }
      head.style.left = `${picture.offsetLeft + share * picture.offsetWidth}px`;
      head.style.top = `${picture.offsetTop}px`;
      head.style.height = `${picture.offsetHeight}px`;
    }
  }
}
