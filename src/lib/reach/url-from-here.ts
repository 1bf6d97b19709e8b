/** The URL by which this machine reaches what listens on all of its addresses; any other stays as it is. */
export function urlFromHere(url: string): string {
  // Whoever listens on [::] hears IPv4 as well, which also a container has that knows no IPv6.
  return url.replace(/:\/\/(?:0\.0\.0\.0|\[::\])(?=[:/]|$)/, '://127.0.0.1')
}
