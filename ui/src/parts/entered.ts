/** What was entered into a field of a form, which is no file; empty where there is no such field. */
export function textOf(entered: FormData, name: string): string {
  const value = entered.get(name)
  return typeof value === 'string' ? value : ''
}
