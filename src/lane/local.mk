noinst_LIBRARIES += libsluice_lane.a
libsluice_lane_a_SOURCES = \
	src/lane/dialect.c src/lane/dialect_read.c src/lane/dialect_refs.c src/lane/dialect.h \
	src/lane/files.c src/lane/files_content.c src/lane/files_impl.h src/lane/files_list.c src/lane/files_refs.c src/lane/files_upload.c \
	src/lane/lane.c src/lane/lane.h src/lane/lane_impl.h \
	src/lane/exec.c src/lane/exec_read.c src/lane/exec_read.h src/lane/exec_script.c src/lane/exec_script.h \
	src/lane/s3.c src/lane/s3_content.c src/lane/s3_delete.c src/lane/s3_impl.h src/lane/s3_list.c src/lane/s3_send.c src/lane/s3_undo.c \
	src/lane/s3_upload.c \
	src/lane/s3_error.c src/lane/s3_read.c src/lane/s3_read.h src/lane/s3_sign.c src/lane/s3_sign.h \
	src/lane/s3_xml.c src/lane/s3_xml.h \
	src/lane/probe_list.c src/lane/probe_list.h
