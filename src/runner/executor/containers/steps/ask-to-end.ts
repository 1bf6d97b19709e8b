import type { ContainerEngine } from '../container-engine.ts'

/**
 * Sends SIGTERM to what runs in a container. A process that does not catch it and has children is left out: a
 * shell would leave a program alone that is still cleaning up, and ends by itself after it. Those that catch it
 * are first: with `set -e`, a shell would end before its trap if its child failed first. Uses shell built-ins only.
 */
const ASK_ALL = `
parents=' '
for file in /proc/[0-9]*/status; do
  while read -r key value _; do
    [ "$key" != PPid: ] || parents="$parents$value "
  done <"$file"
done
leaves=
for file in /proc/[0-9]*/status; do
  pid=\${file#/proc/}
  pid=\${pid%/status}
  [ "$pid" != "$$" ] || continue
  caught=
  while read -r key value _; do
    # The 15th bit from the right.
    [ "$key" != SigCgt: ] || case "$value" in *[4567cdef]???) caught=1 ;; esac
  done <"$file"
  case "$caught$parents" in
    1*) kill -s TERM "$pid" ;;
    *" $pid "*) ;;
    *) leaves="$leaves $pid" ;;
  esac
done
for pid in $leaves; do kill -s TERM "$pid"; done
`

/** Asks all processes in a container to end; nothing happens if it is not running. Never rejects. */
export async function askToEnd(engine: ContainerEngine, container: string): Promise<void> {
  const command = ['/bin/sh', '-c', `exec 2>/dev/null\n${ASK_ALL}`]
  try {
    const prepared = await engine.prepareExec(container, { command, env: {}, rootIn: '/' })
    const exec = await prepared?.start()
    if (!exec) return
    for await (const _ of exec.parts) {
      // Until it has ended: it prints nothing.
    }
    exec.hangUp()
  } catch {
    // What can't be asked is killed.
  }
}
