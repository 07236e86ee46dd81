/* Who is logged in, in the header of a page. Loaded once, in the head. */
luthier.showPerson = async (element) => {
  const form = element.querySelector("form.person");
  try {
    const answer = await fetch("/api/me");
    if (answer.status === 401) { location.reload(); return; }
    const me = await answer.json();
    form.querySelector(".name").textContent = me.name;
    form.title = `Logged in as ${me.name} (${me.role})`;
    form.hidden = !me.accounts;
  } catch (error) {
    console.warn("The server did not answer:", error);
  }
};
