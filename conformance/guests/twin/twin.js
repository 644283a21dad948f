// A second application of the toolchain and the interfaces of
// examples/javascript, which has nothing in common with it but those. The host
// compiles the two once: all that differs is what is in memory at first.
const greetings = new Map([
  ["en", "Hello"],
  ["fr", "Bonjour"],
  ["de", "Guten Tag"],
]);

addEventListener("fetch", (event) => {
  const { pathname } = new URL(event.request.url);
  const greeting = greetings.get(pathname.slice(1)) ?? "Hm";
  event.respondWith(new Response(`${greeting} from the twin!\n`));
});
