/**
 * The code (RFC 6455, section 7.4.2) with which the server closes a websocket whose token is no longer valid.
 * In a file of its own, so that the page can import it without the schemas.
 */
export const SIGNED_OUT_CODE = 4401
