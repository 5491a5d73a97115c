// Parts of the page: fetched or pushed HTML, put in place without losing the focus.

export const $ = (id) => document.getElementById(id);

/** A part of the page from the server, as HTML that it has escaped. */
export async function fetchHtml(path) {
  const answer = await fetch(path).catch(() => ({ status: "not connected" }));
  if (answer.ok) return answer.text();
  const told = answer.status === 404 || answer.status === 409 ? await answer.text() : `error ${answer.status}`;
  const box = document.createElement("p");
  box.className = "empty";
  box.textContent = `Nothing here: ${told}`;
  return box.outerHTML;
}

/** Ask the server to change something; whether it did. */
export async function post(path, document_) {
  const token = location.pathname.split("/")[1];
  let answer;
  try {
    answer = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Distill-Token": token },
      body: JSON.stringify(document_),
    });
  } catch {
    return { ok: false, text: "not connected: nothing was changed" };
  }
  return { ok: answer.ok, text: answer.ok ? "" : await answer.text() };
}

/** Put HTML into an element unless it is there already; what had the focus or was unfolded stays so. */
export function put(target, html) {
  if (target.dataset.shown !== undefined && target.shown === html) return false;
  const focused = target.contains(document.activeElement) ? document.activeElement : null;
  const again = focused?.id ? `#${CSS.escape(focused.id)}` : focused?.dataset.name ? `[data-name="${CSS.escape(focused.dataset.name)}"]` : "";
  const open = [...target.querySelectorAll("details")].map((one) => one.open);
  target.innerHTML = html;
  target.shown = html;
  target.dataset.shown = "";
  [...target.querySelectorAll("details")].forEach((one, index) => (one.open = open[index] ?? one.open));
  if (again) target.querySelector(again)?.focus({ preventScroll: true });
  return true;
}

/** Say something to a screen reader. */
export function say(text) {
  $("live").textContent = text;
}

/** The sound of a list item: its name and its versions, in the order in which they stand. */
export function soundOf(item) {
  const buttons = [...item.querySelectorAll(".heard")];
  return {
    name: item.dataset.name,
    versions: buttons.map((button) => ({
      side: button.dataset.side,
      place: button.dataset.place,
      url: `sound/${button.dataset.place}${button.dataset.version ? `?v=${button.dataset.version}` : ""}`,
    })),
  };
}

/** The list items of sounds that are seen. */
export function soundItems() {
  return [...document.querySelectorAll(".sound-item")].filter((item) => item.offsetParent !== null);
}

/** Seconds as they are shown: `1.25 s`, `1:05.2`. */
export function seconds(value) {
  if (value < 60) return `${value.toFixed(2)} s`;
  return `${Math.floor(value / 60)}:${(value % 60).toFixed(1).padStart(4, "0")}`;
}
