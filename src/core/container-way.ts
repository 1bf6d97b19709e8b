/** How a runner starts containers without an engine, in plain text. */
export interface ContainerWay {
  /** With what, and with which isolation; or what keeps it from doing so. */
  readonly how: string
  /** What is missing for a better way: a sentence each, with what to do. */
  readonly better: readonly string[]
}

const MOST_SENTENCES = 8
const LONGEST_SENTENCE = 600

/** Bounded in number and length: runners are not trusted. Undefined: not reported. */
export function soundWay(reported: ContainerWay | undefined): ContainerWay | undefined {
  if (!reported || reported.how === '') return undefined
  const { how, better } = reported
  return { how: cut(how), better: better.slice(0, MOST_SENTENCES).map(cut) }
}

function cut(text: string): string {
  return text.slice(0, LONGEST_SENTENCE).toWellFormed()
}
