/** On a 503: the request was not processed, so it is safe to send it to another server. */
export const UNTOUCHED_HEADER = 'narwhal-untouched'
