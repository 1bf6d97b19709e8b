import { Composer, type CST, type Document, Lexer, Parser } from 'yaml'
import { limits } from '../limits.ts'
import type { Fault } from './excerpt.ts'

export type ReadDocument =
  | { readonly ok: true; readonly document: Document.Parsed }
  | { readonly ok: false; readonly faults: readonly Fault[] }

/** What `yaml` puts before the source of a plain scalar. */
const SCALAR = '\u001f'

/** The document itself and the scalar in work stand on the parser's stack, too. */
const STACK_BESIDES = 2

/**
 * Reads the one YAML document in a text. The limits are checked while the parser reads, before the
 * parts whose cost grows faster than the text: composing nests as deep as the text does.
 */
export function readDocument(text: string): ReadDocument {
  const read = readTokens(text)
  if (!Array.isArray(read)) return { ok: false, faults: [read] }
  const composer = new Composer({
    schema: 'core',
    resolveKnownTags: false,
    // Checked by whoever reads the mappings: here it would take quadratic time.
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: 'silent',
  })
  const documents = composer.compose(read, true, text.length)
  const document = documents.next().value as Document.Parsed
  const faults = [...document.errors, ...document.warnings].map(({ pos, code, message }) => ({
    offset: pos[0],
    message: WORDS[code] ?? `can't be read as YAML: ${lowerFirst(message)}`,
  }))
  const next = documents.next()
  if (!next.done) {
    const offset = next.value.range[0]
    faults.push({ offset, message: 'a second document begins here: the file must hold only one' })
  }
  if (document.directives.yaml.explicit && document.directives.yaml.version !== '1.2') {
    faults.push({
      offset: 0,
      message: 'the file asks for another YAML than 1.2: leave the directive out',
    })
  }
  return faults.length > 0 ? { ok: false, faults } : { ok: true, document }
}

const WORDS: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: "a tab can't indent a line in YAML: use spaces",
  TAG_RESOLVE_FAILED: "the tag is not known here: only YAML's own, like !!str, are",
  MULTIPLE_DOCS: 'a second document begins here: the file must hold only one',
}

/** The tokens of the text, or the first limit that they break. */
function readTokens(text: string): CST.Token[] | Fault {
  const parser = new Parser()
  const tokens: CST.Token[] = []
  const counts = { lexemes: 0, nodes: 0, aliases: 0 }
  let isContent = false
  for (const lexeme of new Lexer().lex(text)) {
    counts.lexemes++
    if (!isContent) {
      const sign = lexeme[0]
      if (sign === '*') counts.aliases++
      if (lexeme === SCALAR || sign === '*' || lexeme === '[' || lexeme === '{') counts.nodes++
    }
    isContent = lexeme === SCALAR
    for (const token of parser.next(lexeme)) tokens.push(token)
    const fault = breach(counts, parser.stack.length - STACK_BESIDES)
    if (fault) return { offset: parser.offset, message: fault }
  }
  for (const token of parser.end()) tokens.push(token)
  return tokens
}

function breach(
  counts: { readonly lexemes: number; readonly nodes: number; readonly aliases: number },
  depth: number,
): string | undefined {
  if (depth > limits.depth) return `the file is nested deeper than ${limits.depth} levels`
  if (counts.aliases > limits.aliases) return `there are more than ${limits.aliases} aliases`
  if (counts.nodes > limits.nodes) return tooManyValues
  if (counts.lexemes > limits.lexemes)
    return `the file is too long: at most ${limits.lexemes} words, signs and line ends are allowed`
  return undefined
}

export const tooManyValues = `the file holds more than ${limits.nodes} values, aliases counted as what they repeat`

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1)
}
