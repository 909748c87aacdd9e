async function result(orderNo, tries = 5) {
  const response = await fetch(`${process.env.RELAY}/ocr/bankcard/${orderNo}`, {
    headers: { Authorization: `Bearer ${process.env.TOKEN}` },
    signal: AbortSignal.timeout(60_000),
  })
  if (response.ok) return response.json()
  const wait = response.headers.get('Retry-After') ?? (response.status === 404 && 1)
  if (!wait || tries === 1) throw new Error(`${response.status} ${await response.text()}`)
  await new Promise((resolve) => setTimeout(resolve, wait * 1000))
  return result(orderNo, tries - 1)
}

console.log(await result(process.argv[2]))
