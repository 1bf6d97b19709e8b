/** What a job passes to the jobs that need it: values by the names that `narwhal.yml` declares. */
export type Outputs = Readonly<Record<string, string>>

/** The limit of all outputs of one job, as written by its steps, in bytes. */
export const MOST_OUTPUT_BYTES = 64 * 1024
export const TOO_MANY_OUTPUT_BYTES = `they have more than ${MOST_OUTPUT_BYTES} bytes: write a file instead`
export const MOST_OUTPUTS = 50
export const OUTPUT_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,99}$/

/** The outputs, or an error message. */
export type ReadOutputs =
  | { readonly ok: true; readonly outputs: Outputs }
  | { readonly ok: false; readonly problem: string }

/** Parses lines of `NAME=value`; the last one with a name counts, empty lines are ignored. */
export function readOutputLines(text: string, declared: readonly string[]): ReadOutputs {
  const wrong = (problem: string): ReadOutputs => ({ ok: false, problem })
  if (Buffer.byteLength(text) > MOST_OUTPUT_BYTES) return wrong(TOO_MANY_OUTPUT_BYTES)
  if (text.includes('\0')) return wrong('they contain a NUL character')
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

/** A reference in the form of a name in an expression: `needs.build.outputs.version`. */
export function outputNamed(name: string): OutputReference | undefined {
  return outputReferences(`\${${name}}`)[0]
}

export interface OutputReference {
  readonly need: string
  readonly output: string
}

export function outputReferences(text: string): OutputReference[] {
  return [...text.matchAll(REFERENCE)].map(([, need = '', output = '']) => ({ need, output }))
}

/** The text with all references filled in; missing outputs are empty. */
export function fillOutputs(text: string, outputsOf: (need: string) => Outputs): string {
  return text.replaceAll(REFERENCE, (_, need: string, output: string) => {
    const outputs = outputsOf(need)
    return (Object.hasOwn(outputs, output) && outputs[output]) || ''
  })
}
