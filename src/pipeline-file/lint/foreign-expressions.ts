/** Facts that GitHub's expressions name and that steps have as variables. */
const FACTS: Readonly<Record<string, string>> = {
  sha: 'SHA',
  ref: 'REF',
  ref_name: 'REF_NAME',
  repository: 'REPOSITORY',
  event_name: 'EVENT',
  run_id: 'PIPELINE_ID',
  run_number: 'PIPELINE_NUMBER',
  run_attempt: 'ATTEMPT',
  job: 'JOB_NAME',
  base_ref: 'TARGET_BRANCH',
}

const FOREIGN = /\$\{\{\s*([A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*)*)?[^}]*\}?\}?/

export interface ForeignExpression {
  /** As it is written, shortened. */
  readonly what: string
  /** What to write instead in a command, and in a value of `env`. */
  readonly inCommand: string
  readonly inEnv: string
}

/** The first expression of another system in a text, such as `${{ matrix.node }}`. */
export function findForeignExpression(text: string): ForeignExpression | undefined {
  const [all, path] = FOREIGN.exec(text) ?? []
  if (all === undefined) return undefined
  const what = path === undefined ? '${{…}}' : `\${{ ${path} }}`
  const parts = path?.split('.') ?? []
  const [root = '', first = '', , last = ''] = parts
  const variable = (name: string) => ({ inCommand: `"$${name}"`, inEnv: 'it in the command' })
  switch (root) {
    case 'matrix':
      return { what, inCommand: `"$NARWHAL_MATRIX_${upper(first)}"`, inEnv: `\${matrix.${first}}` }
    case 'inputs':
      return { what, ...variable(`NARWHAL_INPUT_${upper(first)}`) }
    case 'env':
    case 'vars':
      return { what, ...variable(first) }
    case 'secrets':
      return {
        what,
        inCommand: `"$${first}", with the secret listed under secrets of the job`,
        inEnv: 'secrets of the job',
      }
    case 'needs': {
      const inEnv = `\${needs.${first}.outputs.${last}}`
      return { what, inCommand: `a variable whose value is ${inEnv} in env`, inEnv }
    }
  }
  const fact = /^github$/.test(root) && Object.hasOwn(FACTS, first) ? FACTS[first] : undefined
  if (fact !== undefined && parts.length === 2) return { what, ...variable(`NARWHAL_${fact}`) }
  return { what, inCommand: 'a variable', inEnv: 'a variable in the command' }
}

function upper(name: string): string {
  return name.toUpperCase().replaceAll('-', '_')
}
