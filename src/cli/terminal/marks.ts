/** The symbols of the live view, in Unicode or ASCII. */
export interface Marks {
  readonly success: string
  readonly failure: string
  readonly other: string
  readonly started: string
  readonly bar: string
  readonly cut: string
  readonly dot: string
  readonly spinner: readonly string[]
}

const UNICODE: Marks = {
  success: '✔',
  failure: '✖',
  other: '○',
  started: '▸',
  bar: '│',
  cut: '…',
  dot: '·',
  spinner: ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'],
}

const ASCII: Marks = {
  success: '+',
  failure: 'x',
  other: 'o',
  started: '>',
  bar: '|',
  cut: '~',
  dot: '-',
  spinner: ['|', '/', '-', '\\'],
}

export function marksFor(unicode: boolean): Marks {
  return unicode ? UNICODE : ASCII
}

/** The symbol of an outcome. */
export function outcomeMark(marks: Marks, outcome: string): string {
  if (outcome === 'success') return marks.success
  return outcome === 'cancelled' || outcome === 'skipped' ? marks.other : marks.failure
}
