/** The URL by which this machine reaches a server on all addresses; other URLs stay as they are. */
export function urlFromHere(url: string): string {
  // A server on [::] also accepts IPv4, which works in a container without IPv6 as well.
  return url.replace(/:\/\/(?:0\.0\.0\.0|\[::\])(?=[:/]|$)/, '://127.0.0.1')
}
