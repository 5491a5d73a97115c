// The listening page: where one is, the event stream, and what the keys and buttons do.

import { PlayerBar } from "./bar.js";
import { listen } from "./keys.js";
import { Player } from "./player.js";
import { RunPage } from "./run.js";
import { $, fetchHtml, post, put, say, soundItems, soundOf } from "./views.js";

const LISTS = { runs: "runs", models: "models", takes: "takes" };
const main = $("main");
const player = new Player(() => bar.show(), (item, error) => bar.showProblem(item, error));
const bar = new PlayerBar(player, markPlaying);
const run = new RunPage(fetchPreview);
let stream = null;
let chosen = null;
let wanted = null;
let undo = null;

// where one is

function here() {
  const [kind = "", ...rest] = location.hash.slice(1).split("/");
  return { kind: kind || "run", name: rest[0] ? decodeURIComponent(rest[0]) : "", more: rest[1] ?? "", path: location.hash.slice(1) };
}

async function go() {
  const at = here();
  if (at.kind === "run" && !at.name) {
    const { id } = await (await fetch("newest")).json();
    if (id) return location.replace(`#run/${encodeURIComponent(id)}`);
    location.replace("#runs");
    return undefined;
  }
  const nav = at.kind === "model" ? "models" : at.kind === "excerpt" ? "" : at.kind;
  document.querySelectorAll("[data-nav]").forEach((link) => {
    if (link.dataset.nav === nav) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  });
  main.className = `view-${at.kind}`;
  if (at.kind === "run") {
    if (run.id !== at.name || !main.querySelector(".previews")) {
      main.shown = undefined;
      run.show(main, at.name);
      connect(at.name);
    }
    if (at.more) run.choose(Number(at.more));
    return undefined;
  }
  run.leave();
  if (stream?.run !== "") connect("");
  document.title = `${at.name || at.kind} · distill-tui`;
  await load();
  return undefined;
}

async function load() {
  const at = here();
  if (at.kind === "run") return;
  const html = await fetchHtml(`view/${at.path}`);
  if (here().path !== at.path) return;
  put(main, html);
  settle();
}

async function fetchPreview(id, seq) {
  return fetchHtml(`view/preview/${encodeURIComponent(id)}/${seq}`);
}

// the event stream

function connect(id) {
  stream?.source.close();
  const source = new EventSource(id ? `events?run=${encodeURIComponent(id)}` : "events");
  stream = { source, run: id };
  source.onopen = () => showLine("live", "live");
  source.onerror = () => {
    const is_refused = source.readyState === EventSource.CLOSED;
    showLine(is_refused ? "not connected: reload the page" : "reconnecting", "off");
    if (is_refused && id && !run.about) run.put("head", '<p class="empty">There is no such run here.</p>');
  };
  const on = (topic, action) => source.addEventListener(topic, (event) => action(JSON.parse(event.data)));
  on("run", (about) => run.tell(about));
  for (const part of ["head", "charts", "quality", "health", "warnings", "log"]) on(`part-${part}`, ({ html }) => run.put(part, html));
  for (const name of Object.keys(LISTS)) on(`list-${name}`, () => { if (here().kind === name) load(); });
  on("jump", jump);
}

function showLine(text, class_) {
  $("line").textContent = text;
  $("line").className = `link-state ${class_}`;
}

/** The app asks to hear a sound: go there and play it. */
function jump({ hash, place }) {
  wanted = place;
  say("The app opened a sound here.");
  if (location.hash === `#${hash}`) go().then(settle);
  else location.hash = hash;
}

/** After a part of the page was replaced: the sound that is wanted is played, what plays is marked. */
function settle() {
  const button = wanted && document.querySelector(`.heard[data-place="${CSS.escape(wanted)}"]`);
  if (button) {
    wanted = null;
    choose(button.closest(".sound-item"));
    playButton(button);
  }
  markPlaying();
}

// sounds

function choose(item) {
  chosen = item?.dataset.name ?? null;
  if (item) {
    item.focus({ preventScroll: true });
    item.scrollIntoView({ block: "nearest" });
  }
  markPlaying();
}

function chosenItem() {
  const items = soundItems();
  return items.find((item) => item.dataset.name === chosen) ?? items[0];
}

function playButton(button, share = 0) {
  const item = button.closest(".sound-item");
  chosen = item.dataset.name;
  const sound = soundOf(item);
  player.play(sound, sound.versions.findIndex((version) => version.place === button.dataset.place), share);
}

/** Mark what is chosen and what plays, wherever it stands on the page. */
function markPlaying() {
  const place = player.item?.versions[player.side]?.place;
  for (const item of soundItems()) item.classList.toggle("chosen", item.dataset.name === chosen);
  for (const button of document.querySelectorAll(".heard")) {
    const is = button.dataset.place === place;
    button.classList.toggle("is-heard", is);
    button.classList.toggle("is-playing", is && player.playing);
  }
}

// takes

async function mark(button) {
  const { mark: kind, take } = button.dataset;
  const item = button.closest(".sound-item");
  const before = item.classList.contains("kept") ? true : button.closest("details") ? false : null;
  await setMark(take, { keep: true, throw: false, undecided: null }[kind], before, item.dataset.name);
}

async function setMark(take, kept, before, name) {
  const answer = await post(take, { kept });
  if (answer.ok) {
    undo = { take, kept: before, name };
    say(`${name}: ${kept === null ? "undecided" : kept ? "kept" : "thrown away"}`);
  } else {
    showLine(answer.text, "off");
    say(answer.text);
  }
  const items = soundItems();
  const index = items.findIndex((item) => item.dataset.name === name);
  if (kept === false) chosen = (items[index + 1] ?? items[index - 1])?.dataset.name ?? null;
  await load();
  chosenItem()?.focus({ preventScroll: true });
}

function markChosen(kind) {
  const button = chosenItem()?.querySelector(kind === "keep" ? "[data-mark=keep], [data-mark=undecided]" : `[data-mark=${kind}]`);
  if (button) mark(button);
  return Boolean(button);
}

// what is clicked and typed

document.addEventListener("click", (event) => {
  const button = event.target.closest(".heard");
  const picture = event.target.closest(".version .spectrogram");
  const marking = event.target.closest("[data-mark]");
  if (player.context?.state === "suspended" && player.playing) player.context.resume().then(() => bar.show());
  if (button) {
    const same = player.item?.versions[player.side]?.place === button.dataset.place;
    const sound = soundOf(button.closest(".sound-item"));
    const of = sound.versions.findIndex((version) => version.place === button.dataset.place);
    if (same) player.toggle();
    else if (player.playing && player.item.versions[of]?.url === sound.versions[of].url) player.switchTo(of);
    else playButton(button);
  } else if (picture) {
    const share = event.offsetX / picture.offsetWidth;
    playButton(picture.closest(".version").querySelector(".heard"), share);
  } else if (marking) mark(marking);
});

$("show-keys").onclick = () => $("keys").showModal();
$("skip").onclick = () => main.focus();

function move(by) {
  const items = soundItems();
  if (!items.length) return false;
  const at = items.findIndex((item) => item.dataset.name === chosen);
  choose(items[at < 0 ? 0 : Math.min(items.length - 1, Math.max(0, at + by))]);
  return true;
}

listen({
  Enter: () => {
    const buttons = [...(chosenItem()?.querySelectorAll(".heard") ?? [])];
    if (!buttons.length) return false;
    // of a pair the reconstruction, as in the app
    playButton(buttons[1] ?? buttons[0]);
    return true;
  },
  " ": () => {
    if (!player.item) return false;
    player.toggle();
    return true;
  },
  o: () => player.item && player.switchTo(player.side ? 0 : 1),
  l: () => player.item && player.switchTo(player.side + 1 < player.buffers.length ? player.side + 1 : 1),
  O: () => player.setLoop(!player.loop),
  ",": () => player.seek(player.position / (player.duration || 1) - 0.1),
  ".": () => player.seek(player.position / (player.duration || 1) + 0.1),
  ArrowUp: () => move(-1),
  ArrowDown: () => move(1),
  ArrowLeft: () => (here().kind === "run" ? run.step(-1) : move(-1)),
  ArrowRight: () => (here().kind === "run" ? run.step(1) : move(1)),
  k: () => markChosen("keep"),
  x: () => markChosen("throw"),
  u: () => {
    if (undo) setMark(undo.take, undo.kept, null, undo.name).then(() => (undo = null));
  },
  "?": () => $("keys").showModal(),
  1: () => (location.hash = "#run"),
  2: () => (location.hash = "#runs"),
  3: () => (location.hash = "#models"),
  4: () => (location.hash = "#takes"),
});

run.settled = settle;
window.addEventListener("hashchange", go);
// tests ask whether something is heard
window.distill = { player };
go();
