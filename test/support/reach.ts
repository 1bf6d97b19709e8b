/** Scripts for the places from which tests try to reach something. */

export type Target = readonly [address: string, port: number]

/** Tries each, and prints those that accept the connection. */
export function reach(targets: readonly Target[]): string {
  const lines = targets.map(
    ([address, port]) =>
      `timeout 3 bash -c 'exec 3<>/dev/tcp/${address}/${port}' 2>/dev/null && echo ${address} || true`,
  )
  return lines.join('\n')
}

/** Serves a word at this port until it is ended, and prints when it does. */
export function serve(word: string, port: number, address = '0.0.0.0'): string {
  return `exec perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(LocalAddr => "${address}", LocalPort => ${port}, Listen => 5, ReuseAddr => 1) or die; $| = 1; print qq(ready\\n); while ($c = $s->accept) { print $c "${word} to ", $c->peerhost, qq(\\n); close $c }'`
}

/** Prints what the server at this place says. */
export function ask(host: string, port: number): string {
  return `timeout 3 bash -c 'exec 3<>/dev/tcp/${host}/${port} && cat <&3' 2>/dev/null || echo "${host} refuses"`
}

/** Sends a megabyte to a server that says how much it got and sends as much back; prints both numbers. */
export function exchange(host: string, port: number): string {
  return `timeout 20 perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new("${host}:${port}") or die; print $s "x" x 1000000; shutdown($s, 1); print scalar <$s>; local $/; print length(<$s>)'`
}
