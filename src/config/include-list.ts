import { z } from 'zod'

const ENTRY = /^([\w.-]{1,100}(?:\/[\w.-]{1,100})+)(?:=(\S{1,2000}))?$/

/** `acme/ci,acme/tools=https://git.example.com/tools.git`: repositories that files may be included from. */
export const includeList = z.string().transform((text, context) => {
  const parts = text.split(',').map((part) => ENTRY.exec(part.trim()))
  if (parts.every((part) => part !== null)) {
    return parts.map(([, name = '', url]) => (url === undefined ? { name } : { name, url }))
  }
  context.addIssue('must be a comma-separated list of names like acme/ci, or acme/ci=URL')
  return z.NEVER
})
