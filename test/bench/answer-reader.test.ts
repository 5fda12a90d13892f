import { describe, expect, it } from 'vitest'
import { AnswerReader, type ReadAnswer } from '../../src/bench/api/answer-reader.js'

describe('answers over one connection', () => {
  const answers = Buffer.from(
    'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhelloHTTP/1.1 204 No Content\r\nx: y\r\n\r\nHTTP/1.1 503 Away\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n',
  )

  it.each([1, 2, 3, 7, 40, 1_000])('are told apart when they come in pieces of %d bytes', size => {
    const read: ReadAnswer[] = []
    const reader = new AnswerReader(
      answer => read.push(answer),
      () => true,
    )
    for (let at = 0; at < answers.length; at += size) reader.take(answers.subarray(at, at + size))
    expect(read.map(({ status, bytes, body, retryAfterS }) => [status, bytes, body?.toString(), retryAfterS])).toEqual([
      [200, 5, 'hello', null],
      [204, 0, '', null],
      [503, 0, '', 7],
    ])
  })

  const read = (text: string, size: number) => {
    const answers: ReadAnswer[] = []
    const reader = new AnswerReader(
      answer => answers.push(answer),
      () => true,
    )
    const bytes = Buffer.from(text)
    for (let at = 0; at < bytes.length; at += size) reader.take(bytes.subarray(at, at + size))
    return { answers, reader, bodies: () => answers.map(({ status, body, isLast }) => [status, body?.toString(), isLast]) }
  }

  it.each([1, 2, 5, 1_000])('come in pieces of their own, with early hints before and lines after, %d bytes at a time', size => {
    const hints = 'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n'
    const pieces =
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n4;x=1\r\nabcd\r\nA\r\n0123456789\r\n0\r\netag: "x"\r\n\r\n'
    const empty = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n'
    expect(read(hints + pieces + empty, size).bodies()).toEqual([
      [200, 'abcd0123456789', false],
      [200, '', true],
    ])
  })

  it('end with the connection where they say no end of their own', () => {
    const { answers, reader, bodies } = read('HTTP/1.0 200 OK\r\n\r\nto the end', 7)
    expect(answers).toEqual([])
    reader.end()
    expect(bodies()).toEqual([[200, 'to the end', true]])
    reader.end()
    expect(answers).toHaveLength(1)
  })

  it('that are cut are none', () => {
    const { answers, reader } = read('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\ncut', 7)
    reader.end()
    expect(answers).toEqual([])
  })

  it.each([
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nmany\r\n',
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nabc\r\n',
    'SSH-2.0 hello\r\n\r\n',
  ])('are refused where their end is not told: %j', text => {
    const reader = new AnswerReader(
      () => {},
      () => false,
    )
    expect(() => reader.take(Buffer.from(text))).toThrow('answer')
  })
})
