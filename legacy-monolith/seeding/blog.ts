import type { Comment, Post } from '../models/posts.ts';
import type { Calendar } from './calendar.ts';
import { createRandom } from './random.ts';
import { headlines, paragraphs, remarks, slugify } from './words.ts';

/** Posts by the admin; every seventh, from the fifth on, is deleted. */
export function makePosts(count: number, calendar: Calendar): Post[] {
  const random = createRandom('posts');
  return Array.from({ length: count }, (_, index) => {
    const id = index + 1;
    const title = random.pick(headlines);
    return {
      id,
      slug: `${slugify(title)}-${id}`,
      title,
      body: Array.from({ length: random.int(2, 5) }, () => random.pick(paragraphs)).join('\n\n'),
      author_id: 1,
      published_at: calendar.at(-5 * (count - index), random.int(480, 1_080)),
      deleted_at: id % 7 === 5 ? calendar.at(-1, random.int(0, 1_439)) : null,
    };
  });
}

export function makeComments(
  count: number,
  posts: readonly Post[],
  users: number,
  calendar: Calendar,
): Comment[] {
  const random = createRandom('comments');
  return Array.from({ length: count }, (_, index) => ({
    id: index + 1,
    post_id: random.pick(posts).id,
    user_id: random.int(2, users),
    body: random.pick(remarks),
    created_at: calendar.at(0, index - count),
  }));
}
