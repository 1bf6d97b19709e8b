import { readFileSync } from 'node:fs'
import { parseJson } from '../../../../lib/parse-json.ts'
import {
  PROCESS_MARK,
  type ProcessSearch,
  readStat,
  withMark,
} from '../../processes/process-search.ts'

/**
 * By what the processes of a container are found without a control group; plain data. They descend from the
 * programs that start it, which have the mark, or from its own first process, with which all others in it end.
 */
export interface ContainerTree {
  readonly mark: string
  /** The file in which the runtime says which its first process is, while there is one. */
  readonly stateFile: string
}

/** The variables by which programs of this machine that start a container, or something in it, are marked. */
export function markOf({ mark }: Pick<ContainerTree, 'mark'>): Readonly<Record<string, string>> {
  return { [PROCESS_MARK]: mark }
}

/** A scan asks for each process of the machine. */
const READ_AGAIN_MS = 5

/** The processes from which all others of a container descend. */
export function inTree({ mark, stateFile }: ContainerTree): ProcessSearch {
  const isMarked = withMark((one) => one === mark)
  let first: string | undefined
  let readAt = Number.NEGATIVE_INFINITY
  return (pid) => {
    if (performance.now() > readAt + READ_AGAIN_MS) {
      first = findFirst(stateFile)
      readAt = performance.now()
    }
    return pid === first ? 'ours' : isMarked(pid)
  }
}

/** The pid of a container's first process; undefined if it has none, or only one whose others have all ended. */
export function findFirst(stateFile: string): string | undefined {
  const written = parseJson(readText(stateFile))
  if (typeof written !== 'object' || written === null) return undefined
  const number = (...names: readonly string[]): string | undefined => {
    const found = Object.entries(written).find(([name]) => names.includes(name))?.[1] as unknown
    return typeof found === 'number' ? String(found) : undefined
  }
  // Those of crun and of runc.
  const pid = number('pid', 'init_process_pid')
  const startedAt = number('process-start-time', 'init_process_start')
  if (pid === undefined || startedAt === undefined) return undefined
  const fields = readStat(pid)
  const [state] = fields
  const isOver = state === undefined || state === 'Z' || state === 'X'
  return isOver || fields[19] !== startedAt ? undefined : pid
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
