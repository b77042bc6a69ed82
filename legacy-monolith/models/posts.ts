import type { Queries } from '../db/database.ts';
import { now } from '../formats.ts';
import type { User } from './users.ts';

export interface Post {
  id: number;
  slug: string;
  title: string;
  body: string;
  author_id: number;
  published_at: string;
  deleted_at: string | null;
}

export interface Comment {
  id: number;
  post_id: number;
  user_id: number;
  body: string;
  created_at: string;
}

export type PostWithAuthor = Post & { author: string };
export type CommentWithAuthor = Comment & { author: string };

/** The posts published so far, newest first. */
export async function listPosts(db: Queries): Promise<PostWithAuthor[]> {
  const posts = await db.all<Post>(
    'SELECT * FROM posts WHERE deleted_at IS NULL AND published_at <= ? ORDER BY published_at DESC, id DESC LIMIT 100',
    [now()],
  );
  const list: PostWithAuthor[] = [];
  for (const post of posts) list.push({ ...post, author: await authorName(db, post.author_id) });
  return list;
}

export async function findPost(db: Queries, slug: string): Promise<PostWithAuthor | undefined> {
  const post = await db.one<Post>(
    'SELECT * FROM posts WHERE slug = ? AND deleted_at IS NULL AND published_at <= ?',
    [slug, now()],
  );
  return post && { ...post, author: await authorName(db, post.author_id) };
}

export async function listComments(db: Queries, postId: number): Promise<CommentWithAuthor[]> {
  const comments = await db.all<Comment>('SELECT * FROM comments WHERE post_id = ? ORDER BY id LIMIT 500', [
    postId,
  ]);
  const list: CommentWithAuthor[] = [];
  for (const comment of comments) list.push({ ...comment, author: await authorName(db, comment.user_id) });
  return list;
}

export async function addComment(db: Queries, postId: number, userId: number, body: string): Promise<void> {
  await db.run('INSERT INTO comments (post_id, user_id, body, created_at) VALUES (?, ?, ?, ?)', [
    postId,
    userId,
    body,
    now(),
  ]);
}

async function authorName(db: Queries, userId: number): Promise<string> {
  const user = await db.one<Pick<User, 'full_name' | 'deleted_at'>>(
    'SELECT full_name, deleted_at FROM users WHERE id = ?',
    [userId],
  );
  return user === undefined || user.deleted_at !== null ? 'a former member' : user.full_name;
}
