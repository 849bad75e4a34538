// Where the server under test is, and how a program asks for its crash.
export const host = process.env.HOLDFAST_TEST_HOST;
export const port = Number(process.env.HOLDFAST_TEST_PORT);

export function url(db) {
  return `redis://${host}:${port}/${db}`;
}

// crash asks for a kill -9 and a restart; clients have to come back by themselves.
export function crash() {
  console.log("@crash");
}

// until waits for something to become true, at most so many seconds.
export async function until(what, seconds, isTrue) {
  const end = Date.now() + seconds * 1000;
  while (!(await isTrue())) {
    if (Date.now() > end) {
      throw new Error(`${what}: not after ${seconds} s`);
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
