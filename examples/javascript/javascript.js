// JavaScript as a guest: a listener for fetch events, as service workers have
// it. JSON, streams, timers and outbound requests are those of the web.
//
// The engine answers one request and is done: each gets a fresh instance, so
// `seen` is always 1.
let seen = 0;

addEventListener("fetch", (event) => {
  seen++;
  event.respondWith(route(event.request));
});

async function route(request) {
  const url = new URL(request.url);
  switch (`${request.method} ${url.pathname}`) {
    case "GET /":
      return new Response("Hello from JavaScript!\n");
    case "GET /seen":
      return Response.json({ seen });
    case "POST /echo":
      return new Response(request.body, {
        headers: { "content-type": request.headers.get("content-type") ?? "application/octet-stream" },
      });
    case "POST /sort":
      return sort(request);
    case "GET /ticks":
      return ticks(Number(url.searchParams.get("n")), Number(url.searchParams.get("ms")));
    case "GET /fetch":
      return fetch(url.searchParams.get("url"));
    case "GET /throw":
      throw new Error("as asked for");
    case "GET /spin": // until the host's timeout
      for (;;);
    default:
      return Response.json({ error: `there is no ${url.pathname}` }, { status: 404 });
  }
}

async function sort(request) {
  try {
    const { words } = await request.json();
    return Response.json({ words: words.sort() });
  } catch (err) {
    return Response.json({ error: err.message }, { status: 400 });
  }
}

// Sends n lines, one every ms milliseconds.
function ticks(n, ms) {
  let i = 0;
  const body = new ReadableStream({
    async pull(controller) {
      if (i++ === n) return controller.close();
      await new Promise((resolve) => setTimeout(resolve, ms));
      controller.enqueue(new TextEncoder().encode(`tick ${i}\n`));
    },
  });
  return new Response(body, { headers: { "content-type": "text/plain" } });
}
