/* A thin line at the top while the server works on something that a person asked for. Gradio keeps one stream of answers open as long as any
   handler of this page runs, so an open stream means work; the style shows the line only after it has lasted 300 ms. */
{
  let streams = 0;
  let line = null;

  function show() {
    if (!line) {
      line = luthier.make("div", "busy-line");
      line.setAttribute("aria-hidden", "true");
      document.body.append(line);
    }
    line.classList.toggle("on", streams > 0);
  }

  /* The same stream, with a call at its end, however it ends. Nothing is read ahead: Gradio aborts a stream that it has read to the end, and a
     read in flight would then fail where none should be. */
  function followed(reader, ended) {
    return new ReadableStream({
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          if (!done) return controller.enqueue(value);
          controller.close();
        } catch (error) {
          controller.error(error);
        }
        ended();
      },
      cancel(reason) {
        ended();
        return reader.cancel(reason);
      },
    }, { highWaterMark: 0 });
  }

  const plain = window.fetch;
  window.fetch = async (resource, options) => {
    const address = String(resource && resource.url ? resource.url : resource);
    if (!address.includes("/queue/data")) return plain(resource, options);
    let open = true;
    const ended = () => {
      if (!open) return;
      open = false;
      streams -= 1;
      show();
    };
    streams += 1;
    show();
    try {
      const answer = await plain(resource, options);
      if (!answer.body) { ended(); return answer; }
      const body = followed(answer.body.getReader(), ended);
      return new Response(body, { status: answer.status, statusText: answer.statusText, headers: answer.headers });
    } catch (error) {
      ended();
      throw error;
    }
  };
}
