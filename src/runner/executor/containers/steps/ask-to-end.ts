import { setTimeout as sleep } from 'node:timers/promises'
import { roundsMs } from '../../last-moment.ts'
import { MOST_LOOKS } from '../../processes/ask-tree.ts'
import type { ContainerEngine } from '../container-engine.ts'

/**
 * What `askTree` does, for a container, from inside: a round for each line that it reads. The container's first
 * process is left alone, and so is the supervisor, which ignores SIGTERM. Uses shell built-ins only.
 */
const ASK_ALL = `
look() {
  living=' '
  parents=' '
  for file in /proc/[0-9]*/status; do
    pid=\${file#/proc/}
    pid=\${pid%/status}
    state=Z
    parent=
    while read -r key value _; do
      case "$key" in
        State:) state=$value ;;
        PPid:) parent=$value; break ;;
      esac
    done <"$file"
    case "$state" in [ZX]) continue ;; esac
    living="$living$pid:$parent:$state "
    parents="$parents$parent "
  done
}
# Sets how: what a process does on SIGTERM.
examine() {
  how=ends
  ignores=
  while read -r key value _; do
    # The 15th bit from the right.
    case "$key $value" in
      SigBlk:*[4567cdef]??? | SigCgt:*[4567cdef]???) how=handles ;;
      SigIgn:*[4567cdef]???) ignores=1 ;;
    esac
  done <"/proc/$1/status"
  [ "$how$ignores" != ends1 ] || how=ignores
}
# Sets line: what a process executes.
read_line() {
  line=
  read -r line <"/proc/$1/cmdline"
}
known=" 1 $$ "
handling=
ending=
count=0
while [ "$count" -lt ${MOST_LOOKS} ]; do
  count=$((count + 1))
  look
  fresh=
  for one in $living; do
    pid=\${one%%:*}
    case "$known" in *" $pid "*) continue ;; esac
    known="$known$pid "
    fresh=1
    examine "$pid"
    case "$how" in
      ignores) continue ;;
      handles)
        handling="$handling $pid"
        read_line "$pid"
        eval "line_$pid=\\$line" ;;
      ends) ending="$ending $pid" ;;
    esac
    kill -s STOP "$pid"
  done
  [ "$fresh" ] || break
done
held=' '
leaves=
for pid in $ending; do
  case "$parents" in
    *" $pid "*) held="$held$pid " ;;
    *) leaves="$leaves $pid" ;;
  esac
done
for pid in $handling $leaves; do kill -s TERM "$pid"; done
for pid in $handling $leaves; do kill -s CONT "$pid"; done
while read -r _; do
  look
  holders=' '
  for one in $living; do
    pid=\${one%%:*}
    parent=\${one#*:}
    case "$held" in *" $pid "*) ;; *) continue ;; esac
    case "$parents" in
      *" $pid "*) holders="$holders\${parent%:*} " ;;
      *) kill -s TERM "$pid"; kill -s CONT "$pid" ;;
    esac
  done
  rest=
  for pid in $handling; do
    case "$living" in *" $pid:"*) ;; *) continue ;; esac
    read_line "$pid"
    eval "was=\\$line_$pid"
    if [ "$line" != "$was" ]; then examine "$pid"; else how=handles; fi
    if [ "$how" = ends ]; then kill -s TERM "$pid"; else rest="$rest $pid"; fi
    case "$living" in
      *" $pid:"*:[Tt]' '*) case "$holders" in *" $pid "*) ;; *) kill -s CONT "$pid" ;; esac ;;
    esac
  done
  handling=$rest
done
`

/** Asks all processes in a container to end until the signal aborts, as long as it runs. Never rejects. */
export async function askToEnd(
  engine: ContainerEngine,
  container: string,
  over: AbortSignal,
): Promise<void> {
  const command = ['/bin/sh', '-c', `exec 2>/dev/null\n${ASK_ALL}`]
  try {
    const prepared = await engine.prepareExec(container, { command, env: {}, rootIn: '/' })
    if (over.aborted) return
    const exec = await prepared?.start()
    for (const ms of exec ? roundsMs() : []) {
      await sleep(ms, undefined, { signal: over }).catch(() => {})
      if (over.aborted) break
      exec?.write('\n')
    }
    exec?.hangUp()
  } catch {
    // What can't be asked is killed.
  }
}
