/** What a job tells the jobs that need it: values by names that `narwhal.yml` declares. */
export type Outputs = Readonly<Record<string, string>>

/** What all outputs of one job may take, as the steps write them, in bytes. */
export const MOST_OUTPUT_BYTES = 64 * 1024
export const TOO_MANY_OUTPUT_BYTES = `they have more than ${MOST_OUTPUT_BYTES} bytes: write a file instead`
export const MOST_OUTPUTS = 50
export const OUTPUT_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,99}$/

/** The outputs, or what is wrong with them in words. */
export type ReadOutputs =
  | { readonly ok: true; readonly outputs: Outputs }
  | { readonly ok: false; readonly problem: string }

/** Reads lines of `NAME=value`; of several with one name the last counts. Empty lines say nothing. */
export function readOutputLines(text: string, declared: readonly string[]): ReadOutputs {
  const wrong = (problem: string): ReadOutputs => ({ ok: false, problem })
  if (Buffer.byteLength(text) > MOST_OUTPUT_BYTES) {
    return wrong(TOO_MANY_OUTPUT_BYTES)
  }
  if (text.includes('\0')) return wrong('they hold a NUL character')
  const values = new Map<string, string>()
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw
    if (line === '') continue
    const sign = line.indexOf('=')
    const name = sign < 0 ? line : line.slice(0, sign)
    if (sign < 0 || !OUTPUT_NAME.test(name)) {
      return wrong(`line ${index + 1} is not NAME=value: ${JSON.stringify(line.slice(0, 60))}`)
    }
    if (!declared.includes(name)) {
      return wrong(`${name} is not declared: the job's \`outputs\` are ${declared.join(', ')}`)
    }
    values.set(name, line.slice(sign + 1))
  }
  return { ok: true, outputs: Object.fromEntries(values) }
}

/** `${needs.build.outputs.version}`, in a value of `env`. */
const REFERENCE = /\$\{needs\.([A-Za-z0-9_.-]{1,64})\.outputs\.([A-Za-z_][A-Za-z0-9_]{0,99})\}/g

/** The same as a name in an expression. */
export function outputNamed(name: string): OutputReference | undefined {
  return outputReferences(`\${${name}}`)[0]
}

export interface OutputReference {
  /** The job's name. */
  readonly need: string
  readonly output: string
}

export function outputReferences(text: string): OutputReference[] {
  return [...text.matchAll(REFERENCE)].map(([, need = '', output = '']) => ({ need, output }))
}

/** The text with what each job has told in its place; what it has not told is empty. */
export function fillOutputs(text: string, outputsOf: (need: string) => Outputs): string {
  return text.replaceAll(REFERENCE, (_, need: string, output: string) => {
    const outputs = outputsOf(need)
    return (Object.hasOwn(outputs, output) && outputs[output]) || ''
  })
}
