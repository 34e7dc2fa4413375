// The page at /verify. A manifest that was read here before is kept in this browser, so that another hand shows.
import { verifyManifest, verifyProof } from "./verify.js";

const KEPT = "chatward-manifest";
const at = (id) => document.getElementById(id);

async function fetched() {
  const answer = await fetch("/.well-known/chatward.json", { credentials: "omit" });
  if (!answer.ok) throw new Error("This site signs no replies.");
  return answer.json();
}

function kept() {
  try {
    return JSON.parse(localStorage.getItem(KEPT)) ?? undefined;
  } catch {
    return undefined;
  }
}

async function own() {
  const manifest = await verifyManifest(await fetched(), { origin: location.origin, kept: kept() });
  try {
    localStorage.setItem(KEPT, JSON.stringify(manifest));
  } catch {
    // Private windows keep nothing: the next visit has nothing to compare with.
  }
  return manifest;
}

function row(name, value) {
  const title = document.createElement("dt");
  const said = document.createElement("dd");
  title.textContent = name;
  said.textContent = value;
  return [title, said];
}

function tell(kind, title, ...lines) {
  const strong = document.createElement("strong");
  strong.textContent = title;
  at("outcome").className = kind;
  at("outcome").replaceChildren(strong, ...lines.map((line) => {
    const p = document.createElement("p");
    p.textContent = line;
    return p;
  }));
}

at("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const text = at("text").value;
  const given = at("manifest").value.trim();
  try {
    let manifest;
    if (given) {
      manifest = JSON.parse(given);
      await verifyManifest(manifest, { origin: manifest.origin });
    } else {
      manifest = await own();
    }
    const claims = await verifyProof(at("proof").value.trim(), { manifest, text: text === "" ? undefined : text });
    const when = new Date(claims.time * 1000).toLocaleString();
    const what = text === "" ? "Something was said there; you gave no text to compare." : "The text is what was said.";
    tell("good", `Genuine: ${manifest.name || claims.origin}`, what, `${claims.origin}, ${when}, reply ${claims.sequence} of its conversation.`);
  } catch (error) {
    tell("bad", "Not shown to be genuine", error.message);
  }
});

try {
  const manifest = await own();
  const rows = [["Site", manifest.origin], ["Name", manifest.name], ["Owner", manifest.owner], ["Contact", manifest.contact],
    ["Channels", manifest.channels.join(", ")], ["Domains", manifest.domains.join(", ")]];
  at("who").replaceChildren(...rows.filter(([, value]) => value).flatMap(([name, value]) => row(name, value)));
} catch (error) {
  at("origin").textContent = error.message;
}
