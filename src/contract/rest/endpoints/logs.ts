import { z } from 'zod'
import { attemptParams } from '../rest.ts'
import {
  logFollowQuery,
  logPage,
  logQuery,
  logSearch,
  logSearchQuery,
  logSectionList,
  logTextQuery,
  redactLog as redactBody,
  redactedLog,
} from '../rest-logs.ts'
import type { Endpoint } from './endpoint.ts'
import { ROUTES } from './routes.ts'

export const logsEndpoints = {
  readLog: {
    ...ROUTES.readLog,
    summary: 'Lines of a log from a number on, or those before one',
    tags: ['logs'],
    params: attemptParams,
    query: logQuery,
    answer: logPage,
  },
  listLogSections: {
    ...ROUTES.listLogSections,
    summary: 'Which lines of a log belong to which step',
    tags: ['logs'],
    params: attemptParams,
    answer: logSectionList,
  },
  searchLog: {
    ...ROUTES.searchLog,
    summary: 'The lines of a log in which a text stands, in pages, and how many there are',
    tags: ['logs'],
    params: attemptParams,
    query: logSearchQuery,
    answer: logSearch,
  },
  readLogText: {
    ...ROUTES.readLogText,
    summary: 'The whole log as plain text',
    tags: ['logs'],
    params: attemptParams,
    query: logTextQuery,
    produces: ['text/plain'],
    answer: z.string(),
  },
  followLog: {
    ...ROUTES.followLog,
    summary: 'The lines of a log, one JSON object a line, until the attempt has ended',
    tags: ['logs'],
    params: attemptParams,
    query: logFollowQuery,
    produces: ['application/x-ndjson'],
    answer: z.string(),
  },
  redactLog: {
    ...ROUTES.redactLog,
    summary: 'Take the text of a log, or of one step of it, out of Narwhal',
    tags: ['logs'],
    params: attemptParams,
    body: redactBody,
    answer: redactedLog,
  },
} as const satisfies Readonly<Record<string, Endpoint>>
