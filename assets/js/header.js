/* The header: asks the server who has the device, and opens that run when its name is clicked. */
const chip = element.querySelector(".chip");
const holder = element.querySelector(".holder");
let shown = "";

async function update() {
  const state = await server.header_state();
  chip.textContent = state.device;
  const text = state.holder ? `${state.holder}${state.detail ? `: ${state.detail}` : ""}` : "device is free";
  if (text === shown) return;
  shown = text;
  holder.textContent = text;
  holder.dataset.run = state.run || "";
  holder.disabled = !state.run;
  holder.classList.toggle("busy", Boolean(state.holder));
}

holder.addEventListener("click", () => {
  if (holder.dataset.run) trigger("open", { run: holder.dataset.run });
});
luthier.poll(element, () => 2000, update);
