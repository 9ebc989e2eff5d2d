package sqlite

import "golang.org/x/sys/unix"

// networkFileSystem names the file system of dir if several machines could
// write to it, which WAL mode can't stand.
func networkFileSystem(dir string) string {
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return ""
	}
	switch uint32(fs.Type) {
	case unix.NFS_SUPER_MAGIC:
		return "NFS"
	case unix.SMB_SUPER_MAGIC, unix.SMB2_SUPER_MAGIC, unix.CIFS_SUPER_MAGIC:
		return "an SMB share"
	case unix.V9FS_MAGIC:
		return "a 9p share"
	case unix.FUSE_SUPER_MAGIC:
		return "a FUSE or virtiofs file system"
	}
	return ""
}
