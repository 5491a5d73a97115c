// A run as it trains: its parts come by the event stream, the sounds of a preview when it is looked at.

import { $, put, say } from "./views.js";

export class RunPage {
  /** `fetchPreview(id, seq)` gives the HTML of a preview. */
  constructor(fetchPreview) {
    this.fetchPreview = fetchPreview;
    this.settled = () => {};
    this.leave();
  }

  show(main, id) {
    this.leave();
    this.id = id;
    main.replaceChildren($("run-view").content.cloneNode(true));
    $("step").oninput = () => this.chooseIndex(Number($("step").value));
    $("earlier").onclick = () => this.step(-1);
    $("later").onclick = () => this.step(1);
    $("newest").onclick = () => this.chooseIndex(this.previews.length - 1);
  }

  leave() {
    this.id = "";
    this.about = null;
    this.previews = [];
    this.seq = null;
    this.shown = null;
    this.following = true;
  }

  put(part, html) {
    const target = document.querySelector(`#main [data-part="${part}"]`);
    if (!target) return;
    put(target, html);
    (target.closest("section") ?? target).hidden = !html;
  }

  tell(about) {
    if (about.id !== this.id) return;
    const before = this.about;
    this.about = about;
    this.previews = about.previews;
    document.title = `${about.name}: ${about.state} · distill-tui`;
    if (before && before.state !== about.state) say(`${about.name} ${about.state}`);
    const newest = this.previews.at(-1);
    const is_new = before && newest && newest[0] !== before.previews.at(-1)?.[0];
    if (is_new) say(`New preview at step ${newest[1]}`);
    this.showPreview();
  }

  choose(seq) {
    this.seq = seq;
    this.following = false;
    this.showPreview();
  }

  chooseIndex(index) {
    const chosen = this.previews[Math.min(this.previews.length - 1, Math.max(0, index))];
    if (!chosen) return;
    this.seq = chosen[0];
    // at the newest it goes on to the next one that is made
    this.following = chosen === this.previews.at(-1);
    this.showPreview();
  }

  step(by) {
    const at = this.previews.findIndex(([seq]) => seq === this.seq);
    if (at >= 0) this.chooseIndex(at + by);
    return at >= 0;
  }

  async showPreview() {
    const newest = this.previews.at(-1);
    if (!$("previews")) return;
    $("previews").hidden = !newest;
    if (!newest) return;
    if (this.following || !this.previews.some(([seq]) => seq === this.seq)) this.seq = newest[0];
    const index = this.previews.findIndex(([seq]) => seq === this.seq);
    const [seq, step, epoch] = this.previews[index];
    $("step").max = this.previews.length - 1;
    $("step").value = index;
    const text = `step ${step.toLocaleString("en")}, epoch ${epoch}`;
    $("step").setAttribute("aria-valuetext", text);
    $("step-text").textContent = `${text}, ${index + 1} of ${this.previews.length}`;
    $("earlier").disabled = index === 0;
    $("later").disabled = index === this.previews.length - 1;
    $("newest").setAttribute("aria-pressed", String(this.following));
    if (this.shown === seq) return this.settled();
    this.shown = seq;
    const html = await this.fetchPreview(this.id, seq);
    if (this.shown === seq && $("preview")) {
      put($("preview"), html);
      this.settled();
    }
    return undefined;
  }
}
