// Asks, while it can be seen, whether there are new judgements, and fires "moved" when there are. See app/label_results.py.
const line = element.querySelector(".pulse");
let stamp = props.value?.stamp ?? null;

const poller = luthier.poll(element, () => 2000, async () => {
  const project = props.value?.project;
  if (!project) return;
  const news = await server.news({ project });
  if (props.value?.project !== project) return;
  line.textContent = news.words;
  const moved = stamp !== null && news.stamp !== stamp;
  stamp = news.stamp;
  if (moved) trigger("moved", { project });
});

watch("value", () => {
  stamp = props.value?.stamp ?? null;
  poller.soon();
});
